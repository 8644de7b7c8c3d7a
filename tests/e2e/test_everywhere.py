"""What holds on every view: nothing serious for axe, nothing wider than a phone, a light first load, no errors."""

import gzip
import http.server
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from tests.e2e.conftest import Server, Training, Visit

from onetrainer_web.dataset.scan import CAPTION_EXTENSIONS, PICTURE_EXTENSIONS, PLUG_INS, VIDEO_EXTENSIONS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
AXE = REPOSITORY / "web" / "node_modules" / "axe-core" / "axe.min.js"
BUDGET_BYTES = 200_000
VIEWS = {
    "runs": "/",
    "run": "/runs/{run}",
    "samples of a run": "/runs/{run}?tab=samples",
    "console": "/runs/{run}?tab=console",
    "configuration of a run": "/runs/{run}?tab=configuration",
    "files": "/runs/{run}?tab=files",
    "training pictures": "/runs/{run}?tab=pictures",
    "guided start": "/train",
    "configure": "/configure",
    "training settings": "/configure?tab=training",
    "datasets": "/datasets",
    "dataset": "/datasets?dataset=glims",
    "samples": "/samples",
    "compare": "/compare?runs={run},{other}",
    "system": "/system",
    "settings": "/settings",
}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def address_of(view: str, server: Server) -> str:
    newest, *others = server.runs()
    return VIEWS[view].format(run=newest["id"], other=others[-1]["id"])


def wait_until_settled(page: Page) -> None:
    """No placeholder is left."""
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_and_nothing_is_too_wide(view: str, studio: Server, visit: Visit) -> None:
    for viewport in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            visitor = visit(studio, viewport=viewport, color_scheme=scheme, bypass_csp=True)
            page = visitor.open(address_of(view, studio))
            wait_until_settled(page)
            page.add_script_tag(path=AXE)
            report = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            serious = [
                f"{found['id']}: {node['target']} {node['failureSummary']}"
                for found in report["violations"]
                if found["impact"] in {"serious", "critical"}
                for node in found["nodes"]
            ]
            assert not serious, f"{view}, {viewport['width']} px, {scheme}: " + "\n".join(serious)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], f"{view} is {width} px wide on {viewport['width']} px"


@pytest.mark.parametrize("view", ["runs", "run", "configure"])
def test_a_first_load_needs_little_javascript(view: str, studio: Server, visit: Visit) -> None:
    visitor = visit(studio)
    scripts: dict[str, str | None] = {}
    visitor.page.on(
        "response", lambda response: scripts.update({response.url: response.headers.get("content-encoding")})
    )
    page = visitor.open(address_of(view, studio))
    wait_until_settled(page)

    built = REPOSITORY / "src" / "onetrainer_web" / "page"
    scripts = {url: encoding for url, encoding in scripts.items() if urlsplit(url).path.endswith(".js")}
    assert {encoding for url, encoding in scripts.items() if "/assets/" in url} == {"gzip"}
    files = [built / urlsplit(url).path.lstrip("/") for url in scripts]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= BUDGET_BYTES


def test_two_runs_are_compared(studio: Server, visit: Visit) -> None:
    page = visit(studio).open("/compare")
    picker = page.get_by_role("combobox", name="Add a run")
    ids = {run["name"]: run["id"] for run in studio.runs()}
    picker.select_option(ids["First"])
    picker.select_option(ids["Second"])
    expect(page.get_by_role("region", name="Curves")).to_contain_text("First")
    settings = page.get_by_role("region", name="Settings that differ")
    expect(settings.get_by_role("row").filter(has_text="lora_rank")).to_contain_text("8")

    # A sample large: the arrow keys go from run to run, and the other lies under the slider.
    page.get_by_role("button", name=re.compile("Open the sample of First, step .*: a red glim")).click()
    viewer = page.get_by_role("dialog", name="Sample viewer")
    expect(viewer.get_by_role("img", name=re.compile("First · step"))).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("img", name=re.compile("Second · step"))).to_be_visible()
    page.keyboard.press("ArrowLeft")
    viewer.get_by_text("Slider").click()
    expect(viewer.get_by_role("slider")).to_have_accessible_name(re.compile("Left Second · .*, right First · "))


def test_a_view_is_saved_found_again_and_deleted(studio: Server, visit: Visit) -> None:
    page = visit(studio).open(address_of("compare", studio))

    def menu(entry: str) -> None:
        page.get_by_role("button", name="Saved views").click()
        page.get_by_role("menuitem", name=entry).click()

    def save_as(name: str) -> None:
        menu("Save this view")
        dialog = page.get_by_role("dialog", name="Saved views")
        dialog.get_by_role("textbox", name="Name of this view").fill(name)
        dialog.get_by_role("button", name="Save", exact=True).click()
        expect(dialog).to_have_count(0)

    save_as("Both")
    page.goto(studio.url)
    page.get_by_role("textbox", name="Search runs").click()
    page.keyboard.type("second")  # the list that comes for it must not take the cursor
    expect(page.get_by_role("textbox", name="Search runs")).to_have_value("second")
    expect(page.get_by_role("link", name="First", exact=True)).to_have_count(0)
    expect(page.get_by_text("1 run found")).to_be_visible()
    page.keyboard.type(" embedding")
    expect(page.get_by_text("No run matches.")).to_be_visible()
    page.get_by_role("textbox", name="Search runs").clear()
    expect(page.get_by_role("link", name="First", exact=True)).to_be_visible()
    page.keyboard.type("second stable diffusion lora")  # what the list shows of the run, not its name alone
    expect(page.get_by_role("link", name="Second", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="First", exact=True)).to_have_count(0)
    page.get_by_role("textbox", name="Search runs").fill("second")
    page.get_by_role("radio", name="Completed").click()
    save_as("Only one")
    menu("Both")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    for name in ("First", "Second"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    menu("Only one")
    expect(page.get_by_role("textbox", name="Search runs")).to_have_value("second")
    expect(page.get_by_role("link", name="First", exact=True)).to_have_count(0)
    menu("Save this view")
    for name in ("Both", "Only one"):
        page.get_by_role("button", name=f"Delete the view {name}").click()
        expect(page.get_by_role("button", name=f"Delete the view {name}")).to_have_count(0)
    assert studio.http.get("/api/views").json() == {"views": []}


def test_runs_stand_in_a_table_that_one_shapes_and_many_are_selected_in_it(studio: Server, visit: Visit) -> None:
    page = visit(studio).open("/")
    table = page.get_by_role("table", name="Runs")
    names = table.get_by_role("rowheader").get_by_role("link")

    # Ordered by a setting that is no column at first, both ways; the address knows it.
    page.get_by_role("button", name="Rate").click()
    expect(names).to_have_text(["First", "Second"])
    page.get_by_role("button", name="Rate").click()
    expect(names).to_have_text(["Second", "First"])
    page.reload()
    expect(table.get_by_role("columnheader", name="Rate")).to_have_attribute("aria-sort", "ascending")
    expect(names).to_have_text(["Second", "First"])
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("menuitem", name="Resolution").click()
    expect(table.get_by_role("row").filter(has_text="Second")).to_contain_text("128x64")
    expect(table.locator("img")).to_have_count(2)

    # Several at once: tags, by which they are grouped and found, and beside each other.
    page.get_by_role("checkbox", name="Select all that are shown").press("Space")
    selection = page.get_by_role("region", name="Selected runs")
    expect(selection).to_contain_text("2 runs selected")
    selection.get_by_role("button", name="Tags and note").click()
    page.get_by_role("textbox", name="Tags, separated by commas").fill("glims, tried")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(table.get_by_role("listitem")).to_have_text(["glims", "tried"] * 2)
    page.get_by_role("combobox", name="Group").select_option("By tag")
    expect(table.get_by_role("rowheader", name="glims (2)")).to_be_visible()
    selection.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.get_by_role("link", name="First", exact=True)).to_be_visible()
    for run in studio.runs():
        studio.http.patch(f"/api/runs/{run['id']}", json={"tags": []}).raise_for_status()


def test_nothing_moves_while_a_view_is_loaded(server: Server, visit: Visit, make_training: Training) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    for number in range(6):
        server.create_run(f"Waits {number}", make_training(server))
    broken = make_training(server, concepts=[{"path": "datasets/gone"}], lora_alpha=0, batch_size=64)
    server.http.put("/api/config/current", json=broken).raise_for_status()
    for viewport in (DESKTOP, PHONE):
        visitor = visit(server, viewport=viewport)
        visitor.page.add_init_script(
            "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => {"
            " if (!entry.hadRecentInput) window.moved += entry.value }))"
            ".observe({ type: 'layout-shift', buffered: true })"
        )
        for path, settled in (("/", "Waits 0"), ("/configure", "error")):
            page = visitor.open(path)
            expect(page.get_by_text(re.compile(settled)).first).to_be_visible()
            wait_until_settled(page)
            moved = page.evaluate("window.moved")
            assert moved < 0.05, f"{path} moved by {moved:.3f} at {viewport['width']} px"


def test_the_loss_is_smoothed_by_the_weight_that_somebody_chose(studio: Server, visit: Visit) -> None:
    run_id = studio.runs()[0]["id"]
    wanted = {"names": "loss/train_step", "smoothing": 0.8}
    curve = studio.http.get(f"/api/runs/{run_id}/metrics", params=wanted).json()["metrics"]["loss/train_step"]
    page = visit(studio).open(f"/runs/{run_id}")
    page.get_by_role("combobox", name="Smoothing").select_option("Smoothing 0.8")
    drawn = page.get_by_role("figure").filter(has_text="Training loss")
    expect(drawn).to_contain_text(f"Smoothed loss {curve[-1]['value']:.4g}")

    # The values under the cursor stand beside it, without those of lines that are switched off.
    line = drawn.get_by_role("button", name="Training loss")
    line.click()
    expect(line).to_have_attribute("aria-pressed", "false")
    drawn.locator(".u-over").hover()
    readout = drawn.locator(".chart-readout")
    expect(readout).to_contain_text("step")
    expect(readout).to_contain_text("Smoothed loss")
    expect(readout).not_to_contain_text("Training loss")
    line.click()

    page.get_by_role("combobox", name="Smoothing").select_option("Mean of each epoch")
    wanted = {"names": "loss/train_step", "per_epoch": True}
    means = studio.http.get(f"/api/runs/{run_id}/metrics", params=wanted).json()["metrics"]["loss/train_step"]
    assert len(means) == studio.http.get(f"/api/runs/{run_id}").json()["max_epoch"]
    expect(drawn).to_contain_text(f"Mean of each epoch {means[-1]['value']:.4g}")


def test_a_sample_is_looked_at_closely_and_stands_in_the_address(studio: Any, visit: Any) -> None:
    run_id = studio.runs()[0]["id"]
    page = visit(studio).open(f"/runs/{run_id}?tab=samples")
    page.get_by_role("button", name="Open the sample").first.click()
    viewer = page.get_by_role("dialog", name="Sample viewer")
    viewer.get_by_text("Side by side").click()
    pictures = viewer.locator(".lightbox-frame img")
    expect(pictures).to_have_count(2)
    middle = pictures.first.bounding_box()
    assert middle

    def shown() -> list[str]:
        return pictures.evaluate_all("all => all.map(one => getComputedStyle(one).transform)")

    # Both by the same: the wheel, then dragged; a double click shows the whole again.
    page.mouse.move(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    page.mouse.wheel(0, -500)
    expect(viewer.locator("[data-zoomed]")).to_have_count(1)
    near = shown()
    assert near[0] == near[1] != "none"
    page.mouse.down()
    page.mouse.move(middle["x"] + middle["width"] / 2 + 40, middle["y"] + middle["height"] / 2)
    page.mouse.up()
    assert shown()[0] == shown()[1] != near[0]
    pictures.first.dblclick()
    expect(viewer.locator("[data-zoomed]")).to_have_count(0)
    page.keyboard.press("+")
    expect(viewer.locator("[data-zoomed]")).to_have_count(1)

    # Drawn again with its own settings, unless somebody changes them; of an older sample, not those of the newest.
    viewer.get_by_role("button", name="Draw it again", exact=True).click()
    dialog = page.get_by_role("dialog", name="Custom sample")
    expect(dialog.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("a red glim on a blue background")
    expect(dialog.get_by_role("textbox", name="Seed")).to_have_value("1")
    dialog.get_by_role("button", name="Cancel").click()

    page.reload()  # the address leads to it
    expect(viewer).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/runs/[^?]+\?tab=samples$"))


def swipe(page: Page, element: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Move a finger over `element`; the places are shares of its width and height."""
    box = element.bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.0), ("touchMove", 0.5), ("touchMove", 1.0)):
        x, y = (start[axis] + share * (end[axis] - start[axis]) for axis in (0, 1))
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_run_can_be_followed_from_a_phone(studio: Server, visit: Visit) -> None:
    page = visit(studio, viewport=PHONE).open("/")
    page.get_by_role("link", name="Second").click()
    expect(page.get_by_role("heading", name="Second", level=1)).to_be_visible()
    chart = page.locator(".u-over").first
    chart.scroll_into_view_if_needed()
    swipe(page, chart, (0.2, 0.5), (0.25, 0.1))  # scrolls the page
    swipe(page, chart, (0.2, 0.2), (0.7, 0.2))
    page.get_by_role("button", name="Reset zoom").first.click()
    expect(page.get_by_role("button", name="Reset zoom")).to_have_count(0)
    page.get_by_role("button", name="Open the sample").first.click()
    viewer = page.get_by_role("dialog", name="Sample viewer")
    expect(viewer.get_by_role("img").first).to_be_visible()
    viewer.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="System").click()
    expect(page.get_by_role("heading", name="System")).to_be_visible()


def test_a_problem_leads_to_its_field_wherever_the_page_stands(
    studio: Server, visit: Visit, make_training: Training
) -> None:
    config = make_training(studio, concepts=[{"path": "datasets/gone"}], lora_alpha=0)
    studio.http.put("/api/config/current", json=config).raise_for_status()
    page = visit(studio, viewport=PHONE).open("/configure")
    summary = page.get_by_role("region", name=re.compile("error"))
    summary.get_by_role("button").click()
    problems = summary.get_by_role("listitem")
    expect(problems).to_have_text([re.compile("lora_alpha"), re.compile("concepts.0.path")])  # errors first
    for _ in range(2):
        problems.last.get_by_role("button").click()
        field = page.get_by_role("textbox", name="Folder")
        expect(field).to_be_focused()
        expect(field).to_be_in_viewport()
        page.evaluate("scrollTo(0, 0)")


def test_a_setting_is_tried_with_several_values(server: Server, visit: Visit, make_training: Training) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    server.http.put("/api/config/current", json=make_training(server)).raise_for_status()
    page = visit(server).open("/configure")
    page.get_by_role("button", name="Start training").click()
    dialog = page.get_by_role("dialog", name="Start training")
    dialog.get_by_role("textbox", name="Name").fill("Sweep")
    dialog.get_by_text("Try several values").click()
    dialog.get_by_role("button", name="Add a setting").click()
    dialog.get_by_role("combobox", name="Setting").select_option("learning_rate")
    dialog.get_by_role("textbox", name="Values, one a line").fill("0.0001\n0.0003\n")
    dialog.get_by_role("button", name="Start 2 runs").click()
    runs = page.get_by_role("link", name=re.compile("^Sweep, Learning rate 0.000[13]$"))
    expect(runs).to_have_count(2)
    assert server.http.get("/api/runs").json()["total"] == 2


def test_a_schedule_is_drawn_beneath_its_choice(server: Server, visit: Visit) -> None:
    page = visit(server).open("/configure?tab=training")
    schedule = page.get_by_role("combobox", name="Schedule")
    usual = schedule.input_value()
    schedule.select_option("COSINE")
    page.keyboard.press("Control+z")
    expect(schedule).to_have_value(usual)
    page.keyboard.press("Control+Shift+z")
    expect(schedule).to_have_value("COSINE")
    drawn = page.get_by_role("figure").filter(has_text="Learning rate over the run")
    expect(drawn).to_contain_text("after a warm-up of 200 steps")
    before = drawn.locator("polyline").get_attribute("points")
    page.get_by_role("textbox", name="Warm-up").fill("0.5")
    expect(drawn).not_to_contain_text("after a warm-up")
    assert drawn.locator("polyline").get_attribute("points") != before

    # A layer choice says in patterns what it trains, and follows what somebody enters.
    page.get_by_role("radio", name="Advanced").click()
    choice = page.get_by_role("combobox", name="Layer choice")
    patterns = page.get_by_role("textbox", name="Layer names")
    choice.select_option("attn-only")
    expect(patterns).to_have_value("attn")
    patterns.fill("attn,ff")
    expect(choice).to_have_value("custom")

    # Settings are found by what other programs call them.
    search = page.get_by_role("textbox", name="Search settings")
    for words, setting in (("Loss Weight Function", "Weight by noise level"), ("network dim", "Rank")):
        search.fill(words)
        expect(page.get_by_role("main")).to_contain_text(setting)


def test_a_concepts_folder_is_found_by_looking_around(server: Server, visit: Visit, make_training: Training) -> None:
    make_training(server)
    page = visit(server).open("/configure?tab=concepts")
    page.get_by_role("button", name="Add a concept").click()
    page.get_by_role("button", name="Choose a folder").click()
    dialog = page.get_by_role("dialog", name="Choose a folder")
    use = dialog.get_by_role("button", name="Use this folder")
    expect(use).to_be_disabled()
    dialog.get_by_role("button", name="datasets").click()
    dialog.get_by_role("button", name="glims").click()
    expect(dialog).to_contain_text("24 pictures")
    use.click()
    expect(page.get_by_role("textbox", name="Folder")).to_have_value("datasets/glims")


def test_a_concept_is_shown_as_training_sees_it(server: Server, visit: Visit, make_training: Training) -> None:
    concept = {"path": "datasets/glims", "seed": 7}
    config = make_training(server, concepts=[concept], resolution="64,128", masked_training=True)
    first = min((server.workspace / "datasets" / "glims").glob("*.png"))
    Image.new("L", (64, 64), 255).save(first.with_name(f"{first.stem}-masklabel.png"))
    server.http.put("/api/config/current", json=config).raise_for_status()
    page = visit(server).open("/configure?tab=concepts")
    page.get_by_role("button", name="Preview pictures").click()
    shown = page.get_by_role("region", name="As training sees them")
    variations = shown.get_by_role("img", name=re.compile("^(?!Mask).*variation [1-4]$"))
    expect(variations).to_have_count(12)
    expect(shown.get_by_text("64 × 64").first).to_be_visible()
    expect(shown.get_by_text("128 × 128").first).to_be_visible()
    masks = shown.get_by_role("img", name=f"Mask of {first.name}")
    expect(masks).to_have_count(4)
    shown.get_by_text("Darken what masks leave out").click()
    expect(masks).to_have_count(0)
    before = [one.get_attribute("src") for one in variations.all()]
    flip = page.get_by_role("switch", name="Flip at random")
    page.get_by_role("textbox", name="Search settings").fill("random flip horizontal")
    page.get_by_role("region", name="In concepts").get_by_role("button", name="Flip at random").click()
    expect(flip).to_be_focused()
    flip.press("Space")
    server.wait_until(lambda: [one.get_attribute("src") for one in variations.all()] != before, "flipped pictures")


def test_the_table_of_sizes_says_what_is_cropped_and_left_over(
    server: Server, visit: Visit, make_training: Training
) -> None:
    make_training(server)
    page = visit(server).open("/datasets?dataset=glims")
    page.get_by_text("Statistics").click()
    page.get_by_role("textbox", name="Resolution").fill("128x64")
    page.get_by_role("textbox", name="Batch size").fill("7")
    row = page.get_by_role("row").filter(has_text="128 × 64")
    expect(row.get_by_role("cell")).to_have_text(["128 × 64", "", "50 %", "21", "3"])


def test_a_run_says_how_its_pictures_fall_into_sizes(studio: Server, visit: Visit) -> None:
    run_id = next(run["id"] for run in studio.runs() if run["name"] == "Second")
    page = visit(studio).open(f"/runs/{run_id}?tab=pictures")
    row = page.get_by_role("row").filter(has_text="128 × 64")
    expect(row.get_by_role("cell")).to_have_text(["128 × 64", "", "24", "48", "45", "3"])


def test_tensorboard_is_started_and_opened(server: Server, visit: Visit) -> None:
    visitor = visit(server)
    page = visitor.open("/settings")
    expect(page.get_by_role("region", name="Access")).to_contain_text("only this machine reaches the server")
    page.get_by_role("button", name="Start TensorBoard").click()
    link = page.get_by_role("link", name="Open TensorBoard")
    expect(link).to_be_visible(timeout=120_000)
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.get_by_text("TensorBoard").first).to_be_visible()
    opened.value.close()
    page.get_by_role("button", name="Stop TensorBoard").click()
    expect(page.get_by_role("button", name="Start TensorBoard")).to_be_visible()


def test_the_machine_is_examined_when_somebody_asks(studio: Server, visit: Visit) -> None:
    page = visit(studio).open("/system")
    card = page.get_by_role("region", name="Ready to train?")
    card.get_by_role("button", name="Examine this machine").click()
    expect(card.get_by_role("listitem").filter(has_text="diffusers")).to_be_visible(timeout=120_000)
    expect(card.get_by_role("listitem").filter(has_text="workspace")).to_contain_text("2 runs")
    expect(card.get_by_role("button", name="Copy the findings")).to_be_visible()


def test_captions_of_200_uploaded_pictures_are_edited(server: Server, visit: Visit, make_pictures: Any) -> None:
    page = visit(server).open("/datasets")
    page.get_by_role("button", name="New dataset").click()
    page.get_by_role("textbox", name="Name").fill("shapes")
    page.get_by_role("button", name="Create").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload files").click()
    takes = str(chooser.value.element.get_attribute("accept")).split(",")
    assert set(takes) == {*PICTURE_EXTENSIONS, *PLUG_INS, *VIDEO_EXTENSIONS, *CAPTION_EXTENSIONS}
    chooser.value.set_files(make_pictures(200))
    expect(page.get_by_text("400 of 400 uploaded")).to_be_visible(timeout=120_000)

    # One by one, with the keyboard alone.
    grid = page.get_by_role("list", name="Pictures")
    grid.get_by_role("button").first.click()
    field = page.get_by_role("textbox", name="Caption", exact=True)
    expect(field).to_be_focused()
    for caption in ("first", "second", "third"):
        field.fill(caption)
        page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Close").click()
    expect(grid.get_by_role("button").nth(2)).to_contain_text("third")

    # Many at once: seen first, then written, then taken back.
    page.get_by_role("button", name="Edit all captions").click()
    page.get_by_role("textbox", name="Add in front").fill("drawing of ")
    page.get_by_role("button", name="Change 200 captions").click()
    undo = page.get_by_role("button", name="Undo the last edit of many")
    expect(undo).to_be_enabled()
    expect(grid.get_by_role("button", include_hidden=True).first).to_contain_text("drawing of first")
    undo.click()
    expect(undo).to_be_hidden()
    assert (server.workspace / "datasets" / "shapes" / "000.txt").read_text() == "first"


@pytest.fixture
def make_pictures(tmp_path: Path) -> Any:
    from onetrainer_web.tiny.pictures import held_out_pictures

    def make(count: int) -> list[Path]:
        files: list[Path] = []
        for number, picture in enumerate(held_out_pictures("demo_lora", count)):
            file = tmp_path / f"{number:03d}.png"
            picture.image.save(file)
            file.with_suffix(".txt").write_text(picture.caption)
            files += [file, file.with_suffix(".txt")]
        return files

    return make


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
        del format, args


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Address of a page that another server serves."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Elsewhere</title>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as foreign:
        thread = threading.Thread(target=foreign.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{foreign.server_address[1]}/"
        foreign.shutdown()
        thread.join()


def test_a_foreign_page_can_neither_act_nor_listen(server: Server, visit: Visit, elsewhere: str) -> None:
    page = visit(server).page
    page.goto(elsewhere)

    page.evaluate(
        """async url => { try { await fetch(url + '/api/datasets', {
            method: 'POST', mode: 'no-cors', body: JSON.stringify({ name: 'stolen' }) }) } catch {} }""",
        server.url,
    )
    heard = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url.replace('http', 'ws') + '/ws');
            socket.onmessage = () => done('heard');
            socket.onclose = () => done('refused');
        })""",
        server.url,
    )

    assert heard == "refused"
    assert server.http.get("/api/datasets").json()["datasets"] == []
