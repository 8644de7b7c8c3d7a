"""Stories of people who train: they wait on what they see."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from tests.e2e.conftest import Server, Training, Visit

from onetrainer_web.dataset.videos import write_video

pytestmark = pytest.mark.slow

TRAINING_PATIENCE_MS = 600_000
MOST_TABS = 100


def step_of(page: Page) -> int:
    """The step that the run page shows."""
    shown = page.get_by_role("region", name="Progress of the training").inner_text()
    found = re.search(r"([\d,]+) of [\d,]+", shown)
    return int(found[1].replace(",", "")) if found else 0


def wait_for_running(page: Page) -> None:
    expect(page.get_by_text("Running").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)


def wait_until_beyond(page: Page, step: int) -> None:
    """Wait until the progress bar of the run page stands beyond `step`."""
    bar = page.get_by_role("main").get_by_role("progressbar").first
    not_yet = re.compile("^(" + "|".join(str(number) for number in range(step + 1)) + ")$")
    expect(bar).not_to_have_attribute("aria-valuenow", not_yet, timeout=TRAINING_PATIENCE_MS)


def test_a_config_is_imported_mended_started_stopped_with_saving_and_resumed(
    server: Server, visit: Visit, make_training: Training, tmp_path: Path
) -> None:
    broken = make_training(server, epochs=500, base_model_name="no/such-model-here.safetensors")
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(broken))
    page = visit(server).open("/")

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(file)
    expect(page.get_by_role("heading", name="Configure")).to_be_visible()

    # The start is refused with the reason, which leads to the field.
    page.get_by_role("button", name="Start training").click()
    dialog = page.get_by_role("dialog", name="Start training")
    problem = dialog.get_by_role("button").filter(has_text="base_model_name").first
    problem.click()
    field = page.get_by_role("textbox", name="Base model", exact=True)
    expect(field).to_be_focused()
    field.fill(make_training(server)["base_model_name"])

    page.get_by_role("button", name="Start training").click()
    dialog.get_by_role("textbox", name="Name").fill("Mended")
    start = dialog.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    start.click()
    expect(page.get_by_role("heading", name="Mended", level=1)).to_be_visible()
    wait_for_running(page)
    wait_until_beyond(page, 2)

    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop and save").click()
    expect(page.get_by_text("Stopped").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    stopped_at = step_of(page)
    expect(page.get_by_text(re.compile("Backup at step"))).to_be_visible()

    # It goes on from its only backup, which stands among its files.
    page.get_by_role("link", name="Files").click()
    backups = page.get_by_role("region", name="Backups").get_by_role("listitem")
    expect(backups).to_have_text([re.compile(f"Backup, step {stopped_at}")])
    backups.get_by_role("button", name="Resume from here").click()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("Training resumed")).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    wait_for_running(page)
    wait_until_beyond(page, stopped_at)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Back up and save the model first").click()
    page.get_by_role("button", name="Stop without saving").click()
    give_back(page, stopped_at)


def give_back(page: Page, step: int) -> None:
    """Delete a backup of a run that was resumed and has just been stopped again."""
    expect(page.get_by_text("Stopped").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    expect(page.get_by_text("Training resumed")).to_be_visible()
    page.get_by_role("link", name="Files").click()
    page.get_by_role("button", name=f"Delete: Backup, step {step}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("are free again")).to_be_visible()
    expect(page.get_by_role("region", name="Backups")).to_be_hidden()


def test_a_server_that_is_killed_and_comes_back_costs_the_open_page_nothing(
    server: Server, visit: Visit, make_training: Training
) -> None:
    run_id = server.create_run("Survivor", make_training(server, epochs=500))
    page = visit(server).open(f"/runs/{run_id}")
    wait_for_running(page)
    wait_until_beyond(page, 2)

    server.kill()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    before = step_of(page)
    server.start()

    expect(page.get_by_text("Connection lost")).to_be_hidden()
    wait_until_beyond(page, before)

    # Nothing is doubled or missing in the curve, and the run still obeys.
    metrics = server.http.get(f"/api/runs/{run_id}/metrics", params={"max_points": 100_000}).json()["metrics"]
    steps = [point["step"] for point in metrics["loss/train_step"]]
    assert steps == list(range(steps[0], steps[0] + len(steps)))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop and save").click()
    expect(page.get_by_text("Stopped").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)

    # A run that is made from it tells while it still draws its first samples how long it will take, about.
    slow = make_training(server, epochs=500)
    slow["samples"] = [{**slow["samples"][0], "diffusion_steps": 900}]
    body = {"parent": run_id, "config_dict": slow, "name": "Follower"}
    page.goto(f"{server.url}/runs/{server.http.post('/api/runs', json=body).json()['id']}")
    expect(page.get_by_role("link", name="Made from “Survivor”")).to_be_visible()
    remaining = page.get_by_title("By what “Survivor” took, until this run has measured itself")
    expect(remaining).to_have_text(re.compile("Remaining.*about"), timeout=TRAINING_PATIENCE_MS)


def test_samples_can_be_asked_for_while_it_trains(server: Server, visit: Visit, make_training: Training) -> None:
    run_id = server.create_run("Sampled", make_training(server, epochs=500, sample_after_unit="NEVER"))
    page = visit(server).open(f"/runs/{run_id}")
    wait_for_running(page)

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Custom sample").click()
    dialog = page.get_by_role("dialog", name="Custom sample")
    dialog.get_by_role("textbox", name="Prompt", exact=True).fill("a purple glim")
    dialog.get_by_role("textbox", name="Width (px)").fill("64")
    dialog.get_by_role("textbox", name="Height (px)").fill("64")
    dialog.get_by_role("textbox", name="Sampling steps").fill("2")
    dialog.get_by_role("button", name="Draw").click()

    expect(page.get_by_role("button", name=re.compile("Open the sample of step .*: a purple glim"))).to_be_visible(
        timeout=TRAINING_PATIENCE_MS
    )
    page.get_by_role("button", name="Sample now").click()
    expect(page.get_by_role("button", name=re.compile("Open the sample .*: a green glim")).first).to_be_visible(
        timeout=TRAINING_PATIENCE_MS
    )


def test_three_runs_wait_in_the_order_somebody_gave_them(server: Server, visit: Visit, make_training: Training) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    for name in ("One", "Two", "Three"):
        server.create_run(name, make_training(server, epochs=1))
    page = visit(server).open("/")
    waiting = page.get_by_role("grid", name="Waiting runs, next one first")
    expect(waiting.get_by_role("row")).to_have_text([re.compile("One"), re.compile("Two"), re.compile("Three")])

    # Dragging with the keyboard: Three goes to the front.
    waiting.get_by_role("row", name="One").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(waiting.get_by_role("button", name="Move Three")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("^Insert "))
    page.keyboard.press("Home")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("^Insert before One"))
    page.keyboard.press("Enter")
    expect(waiting.get_by_role("row")).to_have_text([re.compile("Three"), re.compile("One"), re.compile("Two")])

    page.get_by_role("button", name="Take Two out of the queue").click()
    expect(waiting.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="Resume queue").click()
    runs = page.get_by_role("table", name="Runs")
    expect(runs.get_by_role("row").filter(has_text="Completed")).to_have_count(2, timeout=TRAINING_PATIENCE_MS)
    started = {run["name"]: run["started"] for run in server.runs()}
    assert started["Three"] < started["One"]
    assert started["Two"] is None

    # Completed, and yet not enough: the run trains on.
    runs.get_by_role("link", name="One").click()
    page.get_by_role("button", name="Train longer").click()
    dialog = page.get_by_role("dialog", name="Train longer?")
    epochs = dialog.get_by_role("textbox", name="Epochs in all")
    epochs.fill("1")
    expect(dialog.get_by_role("button", name="Train longer")).to_be_disabled()
    epochs.fill("3")
    dialog.get_by_role("button", name="Train longer").click()
    expect(page.get_by_text("Training resumed")).to_be_visible(timeout=TRAINING_PATIENCE_MS)
    progress = page.get_by_role("region", name="Progress of the training")
    expect(progress).to_contain_text("of 3", timeout=TRAINING_PATIENCE_MS)  # once it has planned anew


def test_a_failed_run_says_why_and_what_to_do(server: Server, visit: Visit, make_training: Training) -> None:
    run_id = server.create_run("Doomed", make_training(server, epochs=500))
    server.wait_for(run_id, "running")
    page = visit(server).open(f"/runs/{run_id}")
    wait_for_running(page)

    server.kill_trainer(run_id)

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The trainer ended without a word")
    expect(alert).to_contain_text("There is no backup to resume from")
    alert.get_by_text("Last lines of the log").click()
    expect(alert.locator("pre")).to_be_visible()
    expect(page.get_by_role("button", name="Start again")).to_be_visible()


def test_a_run_is_renamed_repeated_and_deleted(server: Server, visit: Visit, make_training: Training) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    server.create_run("Draft", make_training(server, epochs=1))
    page = visit(server).open("/")

    page.get_by_role("button", name="Actions for Draft").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("textbox", name="Name").fill("Final")
    page.get_by_role("button", name="Rename").click()
    runs = page.get_by_role("grid", name="Waiting runs, next one first")
    expect(runs.get_by_role("link", name="Final")).to_be_visible()

    page.get_by_role("button", name="Actions for Final").click()
    page.get_by_role("menuitem", name="Run again").click()
    expect(page.get_by_role("heading", name="Final (again)", level=1)).to_be_visible()
    page.get_by_role("link", name="Made from “Final”").click()
    expect(page.get_by_role("heading", name="Final", level=1, exact=True)).to_be_visible()
    page.go_back()

    page.get_by_role("button", name="Actions for Final (again)").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete the run?")
    expect(dialog).to_contain_text("It frees")
    dialog.get_by_role("button", name="Delete").click()
    expect(runs.get_by_role("link", name=re.compile("^Final LoRA"))).to_be_visible()
    expect(runs.get_by_role("row")).to_have_count(1)


def test_a_configuration_that_is_replaced_comes_back_with_one_press(
    server: Server, visit: Visit, make_training: Training
) -> None:
    server.http.patch("/api/queue", json={"paused": True})
    server.create_run("Draft", make_training(server, epochs=7))
    server.http.put("/api/config/current", json=make_training(server, epochs=3)).raise_for_status()
    page = visit(server).open("/")

    def epochs_on_the_server() -> int:
        return server.http.get("/api/config/current").json()["config"]["epochs"]

    page.get_by_role("button", name="Actions for Draft").click()
    page.get_by_role("menuitem", name="Edit a copy").click()
    expect(page.get_by_role("heading", name="Configure")).to_be_visible()
    assert epochs_on_the_server() == 7
    page.get_by_role("button", name="Start training").click()
    start = page.get_by_role("dialog", name="Start training")
    expect(start.get_by_text("Made from “Draft”")).to_be_visible()
    start.get_by_role("button", name="Cancel").click()
    notices = page.get_by_role("region", name="Notices")
    notices.get_by_role("button", name="Undo").click()
    expect(notices.get_by_role("button")).to_have_count(0)
    server.wait_until(lambda: epochs_on_the_server() == 3, "the configuration before")
    page.get_by_role("button", name="Start training").click()
    expect(start).to_be_visible()
    expect(start.get_by_text("Made from")).to_have_count(0)
    start.get_by_role("button", name="Cancel").click()

    page.get_by_role("button", name="Load preset").click()
    dialog = page.get_by_role("dialog", name="Load a preset")
    dialog.get_by_role("combobox", name="Preset").select_option("Stable Diffusion 1.5, LoRA (sd15_lora)")
    for own in ("Keep your pictures (1 concept)", "Keep your sample prompts (2)"):
        expect(dialog.get_by_role("switch", name=own)).to_be_checked()
    dialog.get_by_role("button", name="Load", exact=True).click()
    server.wait_until(lambda: epochs_on_the_server() != 3, "the preset")
    loaded = server.http.get("/api/config/current").json()["config"]
    assert [concept["name"] for concept in loaded["concepts"]] == ["glims"]
    assert [(sample["prompt"], sample["width"]) for sample in loaded["samples"]] == [
        ("a red glim on a blue background", 512),
        ("a green glim on a white background", 512),
    ]
    notices.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Training", exact=True).click()
    expect(page.get_by_role("textbox", name="Epochs", exact=True)).to_have_value("3")


def go_by_keyboard(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which must be seen."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            assert target.evaluate("element => element.matches(':focus-visible')")
            return
    raise AssertionError(f"{target} cannot be reached with the Tab key")


def test_keyboard_alone_suffices_to_start_stop_and_compare(
    server: Server, visit: Visit, make_training: Training
) -> None:
    server.wait_for(server.create_run("Yesterday's", make_training(server, epochs=1)), "completed")
    server.http.put("/api/config/current", json=make_training(server, epochs=500))
    page = visit(server).open("/configure")

    go_by_keyboard(page, page.get_by_role("button", name="Start training"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Start training")
    start = dialog.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    go_by_keyboard(page, start)
    page.keyboard.press("Enter")
    wait_for_running(page)
    wait_until_beyond(page, 2)

    go_by_keyboard(page, page.get_by_role("button", name="Stop", exact=True))
    page.keyboard.press("Enter")
    go_by_keyboard(page, page.get_by_role("dialog").get_by_role("button", name="Stop and save"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stopped").first).to_be_visible(timeout=TRAINING_PATIENCE_MS)

    go_by_keyboard(page, page.get_by_role("button", name=re.compile("^Actions for")))
    page.keyboard.press("Enter")
    compare = page.get_by_role("menuitem", name="Compare")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    for _ in range(page.get_by_role("menuitem").count()):
        if compare.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    go_by_keyboard(page, page.get_by_role("combobox", name="Add a run"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("region", name="Curves")).to_contain_text("Yesterday's")
    expect(page.get_by_role("row").filter(has_text="epochs")).to_contain_text("500")


def test_a_menu_shows_its_actions_as_curl(studio: Server, visit: Visit) -> None:
    page = visit(studio).open("/")
    page.get_by_role("button", name="Actions for First").click()
    page.get_by_role("menuitem", name="Show as curl").click()
    dialog = page.get_by_role("dialog", name="The same from a shell")
    run_id = next(run["id"] for run in studio.runs() if run["name"] == "First")
    expect(dialog).to_contain_text(f"curl -X DELETE {studio.url}/api/runs/{run_id}")
    expect(dialog).to_contain_text(f"curl {studio.url}/api/runs/{run_id}/config")


def test_a_result_says_where_it_goes(studio: Server, visit: Visit) -> None:
    run_id = next(run["id"] for run in studio.runs() if run["name"] == "First")
    page = visit(studio).open(f"/runs/{run_id}")
    page.get_by_role("link", name="Files").click()
    result = page.get_by_role("region", name="Models").get_by_role("listitem").first
    result.get_by_text("Where it goes").click()
    expect(result).to_contain_text("LoRA of Stable Diffusion 1.5")
    file_name = Path(result.get_by_role("link", name=re.compile("Download")).get_attribute("download") or "").stem
    for program, place, prompt in (
        ("ComfyUI", "models/loras", "glim on a "),
        ("SwarmUI", "Models/Lora", f"<lora:{file_name}>"),
        ("Forge, A1111", "models/Lora", f"<lora:{file_name}:1>"),
        ("sd-scripts", f'--network_weights "{file_name}.safetensors"', ""),
    ):
        told = result.get_by_role("term").filter(has_text=program).locator("xpath=following-sibling::dd[1]")
        expect(told).to_contain_text(place)
        expect(told).to_contain_text(prompt)
    result.get_by_role("button", name="Copy the place in ComfyUI").click()
    expect(result.get_by_role("button", name="Copied")).to_be_visible()


def test_videos_of_two_steps_play_together_under_the_slider(
    server: Server, visit: Visit, make_training: Training, tmp_path: Path
) -> None:
    from tests.engine.families.wan import CASES  # torch and diffusers, only here

    folder = server.workspace / "datasets" / "moving"
    folder.mkdir()
    write_video([Image.new("RGB", (64, 64), (9 * index, 0, 99)) for index in range(9)], folder / "a.mp4", 16)
    sample = {"prompt": "a square", "width": 64, "height": 64, "frames": 9, "diffusion_steps": 1, "cfg_scale": 1}
    config = make_training(
        server,
        model_type="WAN_21",
        base_model_name=str(CASES[0].make(tmp_path / "wan")),
        transformer={"gradient_checkpointing": False},
        output_model_format="DIFFUSERS_LORA",
        concepts=[{"path": "datasets/moving"}],
        frames="5",
        epochs=2,
        batch_size=1,
        samples=[sample],
    )
    run = server.create_run("Moving", config)
    server.wait_for(run, "completed")

    page = visit(server).open(f"/runs/{run}?tab=samples")
    page.get_by_role("button", name="Open the sample").first.click()
    viewer = page.get_by_role("dialog", name="Sample viewer")
    viewer.get_by_text("Slider").click()
    videos = viewer.locator("video")
    expect(videos).to_have_count(2)
    for video in videos.all():
        expect(video).to_have_js_property("readyState", 4)
        expect(video).to_have_js_property("paused", True)  # this visitor wants little motion
    videos.first.evaluate("video => { video.currentTime = 0.3 }")
    button = viewer.get_by_role("button", name="Play or pause both")
    button.click()
    for video in videos.all():
        expect(video).to_have_js_property("paused", False)
    button.click()
    for video in videos.all():
        expect(video).to_have_js_property("paused", True)
    times = videos.evaluate_all("videos => videos.map(video => video.currentTime)")
    assert abs(times[0] - times[1]) < 0.1, "both from the same moment on"
