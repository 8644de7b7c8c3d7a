"""A browser that has to log in, and one whose login ends under an open page."""

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Server, Visit

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-some-length"


@pytest.fixture
def guarded(server: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same server, but it asks for `TOKEN`; in its folder of runs lies one that is none."""
    server.kill()
    (server.workspace / "runs" / "holiday").mkdir(parents=True)
    monkeypatch.setenv("ONETRAINER_WEB_TOKEN", TOKEN)
    server.http.headers["Authorization"] = f"Bearer {TOKEN}"
    server.start()
    return server


def test_a_page_without_a_login_asks_for_the_token_and_keeps_what_was_typed(guarded: Any, visit: Visit) -> None:
    visitor = visit(guarded)
    page = visitor.page
    loads: list[str] = []
    page.on("domcontentloaded", lambda loaded: loads.append(loaded.url))
    page.goto(guarded.url)
    dialog = page.get_by_role("dialog", name="Log in")
    dialog.get_by_label("Access token").fill("not-this-one")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("This is not the access token")
    dialog.get_by_label("Access token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    folders = page.get_by_role("region", name="A folder among the runs cannot be read")
    expect(folders.get_by_role("listitem")).to_contain_text("holiday")
    expect(folders.get_by_role("listitem")).to_contain_text("This folder cannot be read: ")

    page.get_by_role("link", name="Datasets").first.click()
    page.get_by_role("button", name="New dataset").click()
    name = page.get_by_role("dialog").get_by_role("textbox")
    name.fill("my cat")
    guarded.http.delete("/api/access/logins").raise_for_status()  # in another browser
    dialog.get_by_label("Access token").fill(TOKEN)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    expect(name).to_have_value("my cat")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Settings").first.click()
    page.get_by_role("button", name="Log out", exact=True).click()
    dialog.get_by_label("Access token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out", exact=True)).to_be_visible()
    assert len(loads) == 1, "it was never loaded again"

    page.get_by_role("link", name="Runs").first.click()
    folders.get_by_role("button", name="Delete: holiday").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(folders).to_have_count(0)
    assert not (guarded.workspace / "runs" / "holiday").exists()
