"""The first story: from an empty workspace to a finished LoRA, with one press."""

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image
from playwright.sync_api import expect
from safetensors import safe_open
from tests.e2e.conftest import Server, Visit

pytestmark = pytest.mark.slow

TRAINING_PATIENCE_MS = 600_000


@pytest.mark.long
def test_a_newcomer_trains_the_demo_and_takes_the_lora(server: Server, visit: Visit, tmp_path: Path) -> None:
    page = visit(server).open("/")
    expect(page.get_by_role("heading", name="Train your first model")).to_be_visible()

    page.get_by_role("button", name="Train the demo (2 minutes, no GPU)").click()

    # The run page is alive: it says what goes on, then steps, curves and pictures come by themselves.
    expect(page.get_by_role("heading", name="Demo", level=1)).to_be_visible()
    expect(page.get_by_text("Running").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    expect(page.get_by_role("button", name="Open the sample of step 0: a red glim on a blue background")).to_be_visible(
        timeout=TRAINING_PATIENCE_MS
    )
    expect(page.get_by_text("Smoothed loss").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    expect(page.get_by_text("Remaining").first).to_be_visible()
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)

    # The samples: large, and from step to step with the arrow keys.
    page.get_by_role("link", name="Samples").last.click()
    wall = page.get_by_role("region", name="a red glim on a blue background")
    pictures = wall.get_by_role("button")
    expect(pictures.nth(1)).to_be_visible()
    pictures.first.click()
    viewer = page.get_by_role("dialog", name="Sample viewer")
    newest = viewer.get_by_role("img").first.get_attribute("src")
    page.keyboard.press("ArrowLeft")
    expect(viewer.get_by_role("img").first).not_to_have_attribute("src", str(newest))
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    file = tmp_path / "samples.zip"
    download.value.save_as(file)
    with ZipFile(file) as archive:
        assert sum(name.endswith(".png") for name in archive.namelist()) == 4 * 5

    # The result: a file that holds a LoRA.
    page.get_by_role("link", name="Get the model").click()
    with page.expect_download() as download:
        page.get_by_role("region", name="Models").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "Demo.safetensors"
    file = tmp_path / "lora.safetensors"
    download.value.save_as(file)
    with safe_open(file, "np") as lora:
        assert any("lora_down" in key for key in lora.keys())  # noqa: SIM118 - safe_open is no dictionary


def test_somebody_trains_own_pictures_from_a_phone(server: Server, visit: Visit, tmp_path: Path) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    for number, (size, caption) in enumerate((((96, 64), ""), ((64, 64), "ohwx cat, asleep"), ((64, 64), ""))):
        picture = tmp_path / f"{number}.png"
        Image.new("RGB", size, "navy").save(picture)
        if caption:
            picture.with_suffix(".txt").write_text(caption)
    page = visit(server, viewport={"width": 390, "height": 844}).open("/")
    page.get_by_role("link", name="Train my pictures").click()
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_disabled()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose pictures").click()
    chooser.value.set_files(sorted(tmp_path.glob("[0-9].*")))
    expect(page.get_by_text("3 pictures · 1 with a caption")).to_be_visible()
    page.get_by_role("textbox", name="Trigger word").fill("ohwx cat")
    page.get_by_role("combobox", name="Model", exact=True).select_option("demo_lora")
    expect(page.get_by_role("textbox", name="Epochs")).to_have_attribute("placeholder", "200")  # few pictures
    for field, value in (("Resolution", "64"), ("Epochs", "4"), ("Batch size", "1"), ("Rank", "two")):
        page.get_by_role("textbox", name=field).fill(value)
    look = page.get_by_role("region", name="A last look")
    expect(look.get_by_role("button", name=re.compile("lora_rank"))).to_be_visible()
    expect(start).to_be_disabled()

    # Nothing typed is lost on the way through another view.
    page.get_by_role("link", name="Datasets").click()
    page.go_back()
    page.get_by_role("textbox", name="Rank").fill("4")
    expect(look.get_by_role("definition").first).to_have_text("12")
    start.click()
    expect(page.get_by_role("heading", name="ohwx cat", level=1)).to_be_visible()
    folder = server.workspace / "datasets" / "my pictures"
    assert [(folder / f"{number}.txt").read_text() for number in range(3)] == [
        "ohwx cat",
        "ohwx cat, asleep",
        "ohwx cat",
    ]
    [run] = server.runs()
    config = server.http.get(f"/api/runs/{run['id']}/config").json()
    assert (config["epochs"], config["lora_rank"], config["resolution"]) == (4, 4, "64")
    assert config["concepts"][0]["path"] == "datasets/my pictures"
    assert [sample["prompt"] for sample in config["samples"]] == ["ohwx cat"]


def test_the_page_speaks_the_browsers_language_or_the_chosen_one(server: Server, visit: Visit) -> None:
    page = visit(server, locale="de-DE").open("/")
    root = page.locator("html")
    expect(root).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", name="Zusehen, wie es geht")).to_be_visible()

    page.goto(server.url + "/system")
    expect(page.get_by_text(re.compile(r"^\d+,\d GB frei$")).first).to_be_visible()

    page.goto(server.url + "/settings")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    expect(root).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("radio", name="English")).to_be_checked()
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()

    page.get_by_role("radio", name="As the browser").click()
    expect(page.get_by_role("heading", name="Einstellungen", level=1)).to_be_visible()
