"""Makes the pictures of the README and the docs: trains the demo for real and photographs the page.

    .venv/bin/python scripts/screenshots.py [--workspace FOLDER]

With --workspace the runs of an existing workspace are photographed instead (its newest completed run is the hero).
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

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DESKTOP = (1280, 800)
PHONE = (390, 844)
PATIENCE_S = 3600
COLOURS = 256
LARGEST_BYTES = 250_000
DEMOS = ("demo_lora", "demo_finetune")

VIEWS = {
    "run": "/runs/{run}",
    "samples": "/runs/{run}?tab=samples",
    "runs": "/",
    "configure": "/configure?tab=training",
    "compare": "/compare?runs={runs}",
}


def main() -> None:
    """Serve, train, photograph."""
    parser = argparse.ArgumentParser(description="Make the pictures of the README and the docs.")
    parser.add_argument("--workspace", type=Path, help="photograph the runs of this workspace instead of training")
    workspace = parser.parse_args().workspace
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(workspace or Path(folder)) as url:
        if workspace is None:
            for name in DEMOS:
                train(url, name)
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


def train(url: str, name: str) -> None:
    """Train one of the demos to its end."""
    shown = name.replace("demo_lora", "Glim LoRA").replace("demo_finetune", "Tiko fine-tune")
    run = httpx.post(f"{url}/api/runs", json={"config_path": name, "name": shown}).raise_for_status().json()
    wait_until(lambda: httpx.get(f"{url}/api/runs/{run['id']}").json()["ended"] is not None)
    config = httpx.get(f"{url}/api/config/load/{name}").json()
    httpx.put(f"{url}/api/config/current", json=config).raise_for_status()


def photograph(url: str) -> None:
    """Every view, dark and light, on a desktop and on a phone."""
    runs = httpx.get(f"{url}/api/runs", params={"kind": "train", "status": "completed"}).json()["runs"]
    hero = next((run for run in runs if run["training_method"] == "LORA"), runs[0])
    names = {"run": hero["id"], "runs": ",".join(run["id"] for run in runs[:2])}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for view, path in VIEWS.items():
            if view == "compare" and len(runs) == 1:
                continue
            for size, device in ((DESKTOP, "desktop"), (PHONE, "phone")):
                for scheme in ("dark", "light"):
                    page = open_page(browser, size, scheme)
                    take(page, url + path.format(**names), IMAGES / f"{view}-{device}-{scheme}.png")
        browser.close()


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
    """One picture; with fewer colours when it would be too large for a repository."""
    page.goto(address)
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    page.wait_for_load_state("load")
    for picture in page.get_by_role("main").locator("img").all():
        if picture.is_visible():
            expect(picture).to_have_js_property("complete", value=True)
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    shot.save(target, optimize=True)
    if target.stat().st_size > LARGEST_BYTES:
        shot.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    page.context.close()


if __name__ == "__main__":
    main()
