"""Makes the pictures of the README and the docs: trains the demos for real and photographs the page.

    .venv/bin/python scripts/screenshots.py [--workspace FOLDER]

With --workspace nothing is trained that the workspace holds already, so that pictures can be made again in a minute.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DESKTOP = (1280, 800)
PHONE = (390, 844)
PATIENCE_S = 3600
QUALITY = 84
LIVE_STEPS = 40
HERO = "Glim LoRA"
LIVE = "Glim LoRA, three times as long"
"""Trains while the list of runs is photographed."""
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "Tiko fine-tune": ("demo_finetune", {}),
    "Glim LoRA at a tenth of the rate": ("demo_lora", {"learning_rate": 0.0004}),
    HERO: ("demo_lora", {}),
}
PICTURES_ARE_THERE = """() => [...document.querySelectorAll("main img")].every(
    picture => picture.complete || picture.getBoundingClientRect().top > innerHeight)"""
VIEWS = {
    "runs": "/",
    "run": "/runs/{hero}",
    "compare": "/compare?runs={hero},{other}",
    "configure": "/configure?tab=training",
    "dataset": "/datasets?dataset=demo_lora",
}


def main() -> None:
    """Serve, train, photograph."""
    parser = argparse.ArgumentParser(description="Make the pictures of the README and the docs.")
    parser.add_argument("--workspace", type=Path, help="photograph the runs of this workspace instead of training")
    workspace = parser.parse_args().workspace
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(workspace or Path(folder)) as url:
        names = known_runs(url)
        for name, (demo, changes) in RUNS.items():
            if name not in names:
                wait_until_ended(url, start(url, name, demo, changes))
        httpx.put(f"{url}/api/config/current", json=ask(url, "config/load/demo_lora")).raise_for_status()
        photograph(url)


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """A server on `workspace`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--port", str(port)]
    server = subprocess.Popen([*command, "--workspace", str(workspace)], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url))
        yield url
    finally:
        server.terminate()
        server.wait()


def answers(url: str) -> bool:
    """Whether the server is up."""
    try:
        return httpx.get(f"{url}/api/health").is_success
    except httpx.TransportError:
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, an hour at most."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("waited an hour for nothing")
        time.sleep(0.2)


def ask(url: str, path: str) -> Any:
    """What the server answers."""
    return httpx.get(f"{url}/api/{path}").raise_for_status().json()


def known_runs(url: str) -> dict[str, str]:
    """Name → id of the runs that are through."""
    return {run["name"]: run["id"] for run in ask(url, "runs?status=completed&limit=1000")["runs"]}


def start(url: str, name: str, demo: str, changes: dict[str, Any]) -> str:
    """Start one of the demos, and give the id of its run."""
    config = ask(url, f"config/load/{demo}") | changes
    return httpx.post(f"{url}/api/runs", json={"config_dict": config, "name": name}).raise_for_status().json()["id"]


def wait_until_ended(url: str, run: str) -> None:
    """Wait for the end of a run."""
    wait_until(lambda: ask(url, f"runs/{run}")["ended"] is not None)


def photograph(url: str) -> None:
    """Every view, dark and light, on a desktop and on a phone."""
    ids = known_runs(url)
    names = {"hero": ids[HERO], "other": next(id_ for name, id_ in ids.items() if name.startswith(f"{HERO} at"))}
    live = start(url, LIVE, "demo_lora", {"epochs": 120})
    wait_until(lambda: (ask(url, f"runs/{live}")["progress"] or {}).get("global_step", 0) > LIVE_STEPS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for view, path in VIEWS.items():
            for size, device in ((DESKTOP, "desktop"), (PHONE, "phone")):
                for scheme in ("dark", "light"):
                    page = open_page(browser, size, scheme)
                    take(page, url + path.format(**names), IMAGES / f"{view}-{device}-{scheme}.webp")
            if view == "runs":
                end(url, live)
        browser.close()


def end(url: str, run: str) -> None:
    """Stop a run and delete it."""
    httpx.post(f"{url}/api/runs/{run}/stop", json={"save": False}).raise_for_status()
    wait_until_ended(url, run)
    httpx.delete(f"{url}/api/runs/{run}").raise_for_status()


def open_page(browser: Browser, size: tuple[int, int], scheme: str) -> Page:
    """A window of its own."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        device_scale_factor=1.5 if size == PHONE else 1,
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
    )
    return context.new_page()


def take(page: Page, address: str, target: Path) -> None:
    """One picture, small enough for a repository; in a data set, with a caption open where there is room beside."""
    page.goto(address)
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    page.wait_for_load_state("load")
    if "dataset=" in address and page.viewport_size == {"width": DESKTOP[0], "height": DESKTOP[1]}:
        page.get_by_role("list", name="Pictures").get_by_role("button").first.click()
    expect(page.locator("main img, main [data-path]").first).to_be_visible()
    page.wait_for_function(PICTURES_ARE_THERE)
    Image.open(BytesIO(page.screenshot())).convert("RGB").save(target, quality=QUALITY, method=6)
    page.context.close()


if __name__ == "__main__":
    main()
