"""Captions in the page: nothing that was typed is lost, nobody writes over others, and an edit of many is done once."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Server, Visit

pytestmark = pytest.mark.slow

CAPTIONS = "/api/datasets/kept/captions"


@pytest.fixture
def folder(server: Server) -> Path:
    """A data set of two pictures with captions."""
    server.http.post("/api/datasets", json={"name": "kept"}).raise_for_status()
    made = server.workspace / "datasets" / "kept"
    for number in (1, 2):
        Image.new("RGB", (32, 32), "navy").save(made / f"{number}.png")
        (made / f"{number}.txt").write_text(f"cap {number}")
    return made


def choose_first(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/datasets")
    page.get_by_role("link", name="kept", exact=True).click()
    page.get_by_role("list", name="Pictures").get_by_role("button").first.click()


def field_of(page: Page) -> Any:
    return page.get_by_role("textbox", name="Caption", exact=True)


def wait_for(server: Server, folder: Path, text: str) -> None:
    server.wait_until(lambda: (folder / "1.txt").read_text() == text, f"the caption to be {text}")


def test_what_is_typed_is_never_lost_and_never_written_over_others(server: Server, visit: Visit, folder: Path) -> None:
    page = visit(server).open("/datasets?dataset=kept")
    field = field_of(page)

    # Back, and a reload while captions cannot be written.
    choose_first(page, server)
    field.fill("typed before Back")
    page.go_back()
    wait_for(server, folder, "typed before Back")
    choose_first(page, server)
    page.route(f"**{CAPTIONS}", lambda route: route.abort())
    field.fill("typed while it was away")
    expect(page.get_by_text("Not written yet, but kept in this tab")).to_be_visible()
    page.unroute(f"**{CAPTIONS}")
    page.reload()
    wait_for(server, folder, "typed while it was away")

    # A server that is gone; it comes back while another view is open.
    choose_first(page, server)
    expect(field).to_have_value("typed while it was away")
    server.kill()
    field.fill("typed without a server")
    expect(page.get_by_text("Not written yet, but kept in this tab")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    server.start()
    wait_for(server, folder, "typed without a server")

    # Another tab, and somebody else, write meanwhile: one chooses.
    choose_first(page, server)
    other = page.context.new_page()
    choose_first(other, server)
    expect(field_of(other)).to_have_value("typed without a server")
    field.fill("of the first tab")
    wait_for(server, folder, "of the first tab")
    field_of(other).fill("of the second tab")
    expect(other.get_by_role("alert")).to_contain_text("of the first tab")
    other.get_by_role("button", name="Take theirs").click()
    expect(field_of(other)).to_have_value("of the first tab")
    other.close()
    server.http.patch(CAPTIONS, json={"captions": {"1.png": "theirs"}}).raise_for_status()
    field.fill("mine")
    expect(page.get_by_role("alert")).to_contain_text("theirs")
    assert (folder / "1.txt").read_text() == "theirs"
    page.get_by_role("button", name="Keep mine").click()
    wait_for(server, folder, "mine")


def test_an_edit_of_many_is_done_once_undone_once_and_never_by_an_open_panel(
    server: Server, visit: Visit, folder: Path
) -> None:
    page = visit(server).open("/datasets?dataset=kept")
    field, dialog = field_of(page), page.get_by_role("dialog", name="Edit all captions")
    choose_first(page, server)
    field.fill("typed")  # and not yet written when the edit begins
    page.get_by_role("button", name="Edit all captions").click()
    dialog.get_by_role("textbox", name="Add in front").fill("ohwx, ")
    expect(dialog.get_by_text("ohwx, typed")).to_be_visible()
    dialog.get_by_role("button", name="Change 2 captions").click()
    expect(dialog.get_by_text("No caption would change.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Change", exact=True)).to_be_disabled()
    assert server.http.post(f"{CAPTIONS}/edit", json={"prefix": "ohwx, "}).json()["changes"] == []
    dialog.get_by_role("button", name="Close").last.click()
    expect(field).to_have_value("ohwx, typed")
    page.get_by_role("button", name="Next picture").click()
    expect(field).to_have_value("ohwx, cap 2")
    assert [(folder / f"{n}.txt").read_text() for n in (1, 2)] == ["ohwx, typed", "ohwx, cap 2"]

    # What was typed behind the edit stays when it is undone.
    field.fill("ohwx, cap 2, of a cat")
    page.get_by_role("button", name="Edit all captions").click()
    dialog.get_by_role("button", name="Undo the last edit of many").click()
    expect(page.get_by_role("region", name="Notices")).to_contain_text("Changed since, and left as they are: 2.txt")
    expect(dialog.get_by_role("button", name="Undo the last edit of many")).to_be_hidden()
    dialog.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Previous picture").click()
    expect(field).to_have_value("typed")
    page.get_by_role("button", name="Close").click()
    assert [(folder / f"{n}.txt").read_text() for n in (1, 2)] == ["typed", "ohwx, cap 2, of a cat"]


def test_captions_of_another_encoding_are_shown_as_they_would_read_and_converted(
    server: Server, visit: Visit, folder: Path
) -> None:
    (folder / "2.txt").write_bytes("красная шапка".encode("cp1251"))
    page = visit(server).open("/datasets?dataset=kept")

    def convert() -> Any:
        page.get_by_role("button", name="Actions for this dataset").click()
        page.get_by_role("menuitem", name="Convert captions to UTF-8").click()
        return page.get_by_role("dialog", name="Convert captions to UTF-8")

    dialog = convert()
    expect(dialog).to_contain_text("Not UTF-8: 2.txt")
    dialog.get_by_role("radio").and_(dialog.get_by_label("красная шапка")).check()
    dialog.get_by_role("button", name="Convert captions to UTF-8").click()
    expect(page.get_by_role("list", name="Pictures")).to_contain_text("красная шапка")
    assert (folder / "2.txt").read_text("utf-8") == "красная шапка"
    expect(convert()).to_contain_text("All captions are UTF-8 already.")
