"""Measure the page in Chromium against a real server: `python -m bench.page`.

(g) milliseconds until the largest part of the run page is painted, from a local server, medians of fresh windows
(h) milliseconds from the arrival of a curve of 100,000 points, thinned as the page asks for it, until it is drawn;
    how long the server takes to answer; and the same drawing with all 100,000 points sent
(i) milliseconds between frames while a data set of 20,000 pictures is scrolled: as with a wheel, and from end to end
    in four seconds, and how many of them the page's main thread works
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from onetrainer_web.api.page import PAGE_FOLDER
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.events import Completed, Planned, Progress, Started, Step
from onetrainer_web.protocol.run_folder import create_run
from onetrainer_web.protocol.tasks import TrainTask

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
NUM_LOADS = 3
NUM_POINTS = 100_000
NUM_PICTURES = 20_000
SCROLL_FRAMES = 240
WHEEL_PX = 50
"""A frame: 3,000 pixels a second."""
PATIENCE_MS = 60_000

expect.set_options(timeout=PATIENCE_MS)

WATCH_PAINTS = """
new PerformanceObserver(list => { window.largestPaint = list.getEntries().at(-1).startTime })
    .observe({ type: "largest-contentful-paint", buffered: true });
const stroke = CanvasRenderingContext2D.prototype.stroke;
CanvasRenderingContext2D.prototype.stroke = function (...path) {
    stroke.apply(this, path);
    window.lastStroke = performance.now();
};
"""
TIMES_OF_POINTS = """() => {
    const points = performance.getEntriesByType("resource").findLast(one => one.name.includes("/metrics"));
    return [points.responseStart - points.requestStart, window.lastStroke - points.responseEnd];
}"""
SCROLL = """async (element, [frames, distance]) => {
    const gaps = [];
    const far = distance ?? element.scrollHeight - element.clientHeight;
    let before = await new Promise(requestAnimationFrame);
    for (let frame = 1; frame <= frames; frame++) {
        element.scrollTop = far * frame / frames;
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - before);
        before = now;
    }
    return gaps;
}"""


def main() -> None:
    """Measure and print."""
    if not (PAGE_FOLDER / "index.html").is_file():
        raise SystemExit("The page is not built: make bench builds it, or npm run build in web/.")
    found: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        write_pictures(workspace / "datasets" / "many")
        run = f"/runs/{write_run(workspace)}"
        with served(workspace) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            found["largest_paint_ms"] = _median(largest_paint(browser, url + run) for _ in range(NUM_LOADS))
            thinned = [draw_points(browser, url + run) for _ in range(NUM_LOADS)]
            found["answer_100k_points_ms"] = _median(answer for answer, _ in thinned)
            found["draw_100k_points_ms"] = _median(drawn for _, drawn in thinned)
            whole = [draw_points(browser, url + run, NUM_POINTS) for _ in range(NUM_LOADS)]
            found["draw_100k_points_unthinned_ms"] = _median(drawn for _, drawn in whole)
            found |= scroll_pictures(browser, f"{url}/datasets?dataset=many")
            browser.close()
    found["load_after"] = os.getloadavg()[0]
    print(json.dumps({name: round(value, 1) for name, value in found.items()}, indent=2))


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def write_pictures(folder: Path) -> None:
    """One picture under many names."""
    folder.mkdir(parents=True)
    first = folder / "00000.png"
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(first)
    for number in range(1, NUM_PICTURES):
        os.link(first, folder / f"{number:05d}.png")


def write_run(workspace: Path) -> str:
    """A finished run with as many steps as points are to be drawn."""
    run = create_run(workspace / "runs", TrainTask(config=config_to_dict(TrainConfig(train_device="cpu"))), "Long")
    now = datetime.now(UTC)
    with run.events.open("w") as file:
        seq = 0

        def write(event: Started | Planned | Step | Completed) -> None:
            nonlocal seq
            seq += 1
            file.write(event.model_copy(update={"seq": seq, "time": now}).model_dump_json() + "\n")

        write(Started(pid=1))
        write(Planned(max_step=NUM_POINTS, max_epoch=1))
        for step in range(1, NUM_POINTS + 1):
            loss = 0.1 + (step * 7919 % 1000) / 5000
            write(Step(progress=Progress(epoch_step=step, global_step=step), metrics={"loss/train_step": loss}))
        write(Completed())
    return run.run_id


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """A server on `workspace` that knows the run's curve."""
    command = [sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--port", "0", "--workspace", str(workspace)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert server.stderr
    try:
        url = next(line for line in server.stderr if "running on" in line).split("running on ")[1].split()[0]
        with urlopen(f"{url}/api/health"):
            yield url
    finally:
        server.terminate()
        server.wait()


def open_page(browser: Browser) -> Page:
    """A fresh window without a cache."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(WATCH_PAINTS)
    return page


def largest_paint(browser: Browser, address: str) -> float:
    """Milliseconds until the largest part was painted."""
    page = open_page(browser)
    page.goto(address)
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(500)  # later paints may still be larger
    found = page.evaluate("window.largestPaint")
    page.context.close()
    return found


def draw_points(browser: Browser, address: str, num_points: int | None = None) -> tuple[float, float]:
    """Milliseconds until the points come, and from then to the last stroke; `num_points` asks for more than usual."""
    page = open_page(browser)
    if num_points:
        wanted = f"max_points={num_points}"
        page.route(
            re.compile("/metrics"),
            lambda route: route.continue_(url=re.sub(r"max_points=\d+", wanted, route.request.url)),
        )
    page.goto(address)
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(1000)
    answer, drawn = page.evaluate(TIMES_OF_POINTS)
    page.context.close()
    return answer, drawn


def scroll_pictures(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds of frames: on a stretch at the pace of a wheel, and from the first to the last picture."""
    page = open_page(browser)
    page.goto(address)
    expect(page.get_by_role("list", name="Pictures")).to_be_visible()
    grid = page.locator(".picture-grid")
    wheel = grid.evaluate(SCROLL, [SCROLL_FRAMES, SCROLL_FRAMES * WHEEL_PX])
    work = _WorkOf(page)
    flight = grid.evaluate(SCROLL, [SCROLL_FRAMES, None])
    worked_ms = work.since_start_ms()
    expect(page.get_by_role("button", name=f"{NUM_PICTURES - 1:05d}.png")).to_be_visible()
    page.context.close()
    return {
        "wheel_frame_ms": statistics.median(wheel),
        "wheel_slowest_of_20_ms": statistics.quantiles(wheel, n=20)[-1],
        "flight_frame_ms": statistics.median(flight),
        "flight_slowest_of_20_ms": statistics.quantiles(flight, n=20)[-1],
        "flight_work_a_frame_ms": worked_ms / SCROLL_FRAMES,
    }


class _WorkOf:
    """Processor time of a page's main thread."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._start_s = self._worked_s()

    def since_start_ms(self) -> float:
        return (self._worked_s() - self._start_s) * 1000

    def _worked_s(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
