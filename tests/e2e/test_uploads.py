"""Pictures are dropped onto the window: each file shows how it goes, may fail and be tried again, or be left out."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import CDPSession, Page, Route, expect
from tests.e2e.conftest import Server, Visit

from onetrainer_web.dataset.videos import write_video

pytestmark = pytest.mark.slow

NUM_PICTURES = 250
MANY = 1000
SLOW_BYTES_PER_S = 200_000


def write_pictures(folder: Path, count: int, side_px: int = 8) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{number:03d}.bmp" for number in range(count)]
    for number, path in enumerate(paths):
        Image.new("RGB", (side_px, side_px), (number % 256, side_px % 256, 99)).save(path)
    return paths


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders on the window, as a file manager does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for event in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": event, "x": 600, "y": 400, "data": data})
    session.detach()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def page(server: Server, visit: Visit) -> Page:
    """The view of an empty data set; what is dropped before it is there is lost."""
    server.http.post("/api/datasets", json={"name": "shapes"}).raise_for_status()
    page = visit(server).open("/datasets?dataset=shapes")
    expect(page.get_by_role("button", name="Upload files")).to_be_visible()
    return page


@pytest.fixture
def slow(page: Page) -> Iterator[None]:
    """A connection on which an upload can be watched."""
    session: CDPSession = page.context.new_cdp_session(page)
    speeds = {"downloadThroughput": -1, "uploadThroughput": SLOW_BYTES_PER_S}
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **speeds})
    yield
    session.detach()


def test_pictures_of_one_name_from_two_folders_are_both_there(server: Server, page: Page, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shapes" / "warm", 2)
    write_pictures(tmp_path / "shapes" / "cold", 2)
    drop(page, tmp_path / "shapes")
    expect(page.get_by_role("region", name="Uploads").get_by_role("status")).to_have_text("4 of 4 uploaded")
    names = {f"shapes_{folder}_00{number}.bmp" for folder in ("warm", "cold") for number in (0, 1)}
    assert set(contents(server.workspace / "datasets" / "shapes")) == names


def test_a_file_that_is_already_there_is_replaced_only_when_somebody_says_so(
    server: Server, page: Page, tmp_path: Path
) -> None:
    target = server.workspace / "datasets" / "shapes"
    old, new = write_pictures(tmp_path / "old", 2), write_pictures(tmp_path / "new", 3, side_px=16)
    panel = page.get_by_role("region", name="Uploads")
    drop(page, *old)
    expect(panel.get_by_role("status")).to_have_text("2 of 2 uploaded")
    panel.get_by_role("button", name="Dismiss").click()

    held: list[Route] = []
    page.route("**/files/000.bmp", lambda route: held.append(route))
    with page.expect_response("**/files/001.bmp"):
        drop(page, *new)
    held[0].continue_()  # its refusal comes behind that of the second file
    page.unroute("**/files/000.bmp")
    expect(panel).to_contain_text("2 files, 000.bmp among them, are already there and were left as they are.")
    assert contents(target) == contents(tmp_path / "old") | {"002.bmp": new[2].read_bytes()}
    panel.get_by_role("button", name="Replace them").click()
    expect(panel.get_by_role("status")).to_have_text("3 of 3 uploaded")
    assert contents(target) == contents(tmp_path / "new")


def test_a_video_shows_a_frame_of_it(page: Page, tmp_path: Path) -> None:
    write_video([Image.new("RGB", (64, 32), "orange")] * 9, tmp_path / "film.mp4", 8)
    drop(page, tmp_path / "film.mp4")
    small = page.get_by_role("list", name="Pictures").get_by_role("button", name="film.mp4").locator("img")
    expect(small).to_have_js_property("naturalWidth", 64)


@pytest.mark.usefixtures("slow")
def test_a_cancelled_upload_leaves_nothing_behind(server: Server, page: Page, tmp_path: Path) -> None:
    target = server.workspace / "datasets" / "shapes"
    drop(page, *write_pictures(tmp_path / "large", 5, side_px=1024))
    panel = page.get_by_role("region", name="Uploads")

    # While three are on their way, each with its own progress, one of them is left out: the next one moves up.
    bars = panel.get_by_role("listitem").get_by_role("progressbar")
    expect(bars).to_have_count(3)
    expect(bars.first).not_to_have_attribute("aria-valuenow", "0")
    server.wait_until(lambda: any(contents(target).values()), "the first bytes on the disk")
    panel.get_by_role("button", name="Leave 001.bmp out").click()
    expect(panel.get_by_role("listitem").filter(has_text="003.bmp")).to_be_visible()
    expect(panel.get_by_role("status")).to_have_text("0 of 4 uploaded")

    panel.get_by_role("button", name="Cancel").click()
    expect(panel).to_be_hidden()
    server.wait_until(lambda: not any(target.iterdir()), "nothing half-written to be left")


def test_a_thousand_files_outlive_a_killed_server(server: Server, page: Page, tmp_path: Path) -> None:
    target = server.workspace / "datasets" / "shapes"
    gone = write_pictures(tmp_path / "shapes", MANY)[-2:]
    whole = contents(tmp_path / "shapes")
    panel = page.get_by_role("region", name="Uploads")
    drop(page, tmp_path / "shapes")

    # Pictures appear as they come, and who looks elsewhere and comes back finds the upload going on.
    expect(page.get_by_role("list", name="Pictures").get_by_role("button").first).to_contain_text("000.bmp")
    expect(panel.get_by_role("button", name="Cancel")).to_be_visible()
    for file in gone:
        file.rename(tmp_path / file.name)
    page.get_by_role("navigation").get_by_role("link", name="System").first.click()
    expect(panel).to_be_hidden()
    page.go_back()
    expect(panel.get_by_role("button", name="Cancel")).to_be_visible()

    server.kill()
    expect(panel).to_contain_text("The server does not answer.")
    expect(panel.get_by_role("status")).not_to_contain_text("failed")
    server.start()
    expect(panel.get_by_role("status")).to_have_text(f"{MANY - 2} of {MANY} uploaded, 2 failed", timeout=120_000)
    expect(panel.get_by_role("listitem").first).to_contain_text("998.bmp: could not be sent")
    for file in gone:
        (tmp_path / file.name).rename(file)
    panel.get_by_role("button", name="Try 998.bmp again").click()
    expect(panel.get_by_role("status")).to_have_text(f"{MANY - 1} of {MANY} uploaded, 1 failed")
    panel.get_by_role("button", name="Try again", exact=True).click()
    expect(panel.get_by_role("status")).to_have_text(f"{MANY} of {MANY} uploaded")
    assert contents(target) == whole
    panel.get_by_role("button", name="Dismiss").click()
    expect(panel).to_be_hidden()


def test_a_cancelled_upload_of_many_leaves_whole_files_alone(server: Server, page: Page, tmp_path: Path) -> None:
    target = server.workspace / "datasets" / "shapes"
    write_pictures(tmp_path / "shapes", NUM_PICTURES)
    (tmp_path / "shapes" / "notes.pdf").write_text("no picture")
    whole = contents(tmp_path / "shapes")
    panel = page.get_by_role("region", name="Uploads")
    drop(page, tmp_path / "shapes")
    server.wait_until(lambda: len(list(target.iterdir())) > 20, "some to be there")
    panel.get_by_role("button", name="Cancel").click()

    expect(panel.get_by_role("status")).to_have_text(re.compile(r"^(\d+) of \1 uploaded$"))
    server.wait_until(lambda: not list(target.glob(".writing.*")), "nothing half-written to be left")
    assert 20 < len(contents(target)) < NUM_PICTURES
    assert contents(target).items() <= whole.items()
    expect(page.get_by_role("region", name="Notices")).to_contain_text("no pictures, videos or captions: notes.pdf.")


def test_the_next_server_removes_what_a_killed_one_was_writing(server: Server) -> None:
    server.http.post("/api/datasets", json={"name": "shapes"}).raise_for_status()

    def picture() -> Iterator[bytes]:
        yield b"half a picture"
        server.wait_until(lambda: any(folder.iterdir()), "the first bytes on the disk")
        server.kill()
        yield b"the other half"

    folder = server.workspace / "datasets" / "shapes"
    with pytest.raises(httpx.TransportError):
        server.http.put("/api/datasets/shapes/files/a.png", content=picture())
    assert list(folder.iterdir())
    server.start()
    assert not list(folder.iterdir())
