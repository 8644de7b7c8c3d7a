"""A real browser in front of a real server with the real trainer behind it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from onetrainer_web.config.training import EMBEDDED_MODEL_NAME
from onetrainer_web.tiny.pictures import write_demo_pictures

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MODEL = EMBEDDED_MODEL_NAME
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
TRAINING_PATIENCE_MS = 600_000
"""A training on a busy machine; nothing waits that long unless something is wrong."""

expect.set_options(timeout=PATIENCE_MS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`onetrainer-web serve` on a workspace of its own; can be killed and started again on the same port."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "onetrainer_web.cli.main", "serve"]
        options = ["--port", str(self.port), "--workspace", str(self.workspace)]
        log = (self.workspace.parent / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        self.wait_until(self._answers, "the server to answer")

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """End the server, and the trainers that it leaves behind on purpose."""
        if self._process:
            for run in self.runs():
                if run["pid"]:
                    os.kill(run["pid"], signal.SIGKILL)
            self.kill()
        self.http.close()

    def wait_until(self, holds: Callable[[], bool], what: str, timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
            time.sleep(0.05)

    def runs(self) -> list[dict[str, Any]]:
        return self.http.get("/api/runs", params={"kind": "train"}).raise_for_status().json()["runs"]

    def create_run(self, name: str, config: dict[str, Any]) -> str:
        answer = self.http.post("/api/runs", json={"name": name, "config_dict": config})
        assert answer.is_success, answer.text
        return answer.json()["id"]

    def wait_for(self, run_id: str, status: str) -> None:
        def has_status() -> bool:
            run = self.http.get(f"/api/runs/{run_id}").json()
            assert run["status"] not in {"failed", "interrupted"} - {status}, run["error"]
            return run["status"] == status

        self.wait_until(has_status, f"{run_id} to be {status}", TRAINING_PATIENCE_MS / 1000)

    def kill_trainer(self, run_id: str) -> None:
        """As the kernel does when memory runs out."""
        os.kill(self.http.get(f"/api/runs/{run_id}").json()["pid"], signal.SIGKILL)

    def _answers(self) -> bool:
        try:
            return self.http.get("/api/health").is_success
        except httpx.TransportError:
            return False


def training(workspace: Path, **changes: Any) -> dict[str, Any]:
    """A short real training of the tiny model on pictures of the workspace."""
    pictures = workspace / "datasets" / "glims"
    if not pictures.exists():
        write_demo_pictures(pictures, "demo_lora")
    sample = {"prompt": "a red glim on a blue background", "width": 64, "height": 64, "seed": 1, "diffusion_steps": 4}
    return {
        "model_type": "STABLE_DIFFUSION_15",
        "training_method": "LORA",
        "base_model_name": MODEL,
        "concepts": [{"name": "glims", "path": "datasets/glims"}],
        "resolution": "64",
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 0.001,
        "train_device": "cpu",
        "train_dtype": "FLOAT_32",
        "output_model_format": "KOHYA_LORA",
        "samples": [sample, {**sample, "prompt": "a green glim on a white background", "seed": 2}],
        "sample_after": 1,
        "sample_after_unit": "EPOCH",
        "backup_after_unit": "NEVER",
    } | changes


Training = Callable[..., dict[str, Any]]


@pytest.fixture
def make_training() -> Training:
    """`make_training(server, **changes)`: the configuration of a short real training in its workspace."""
    return lambda server, **changes: training(server.workspace, **changes)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one file; the event loop that Playwright runs in this thread must not outlive it."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_FLAGS])
        yield chromium
        chromium.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server on an empty workspace."""
    made = Server(tmp_path / "workspace")
    made.start()
    yield made
    made.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all who look at the studio do so in one process, so that its runs are trained once."""
    for item in items:
        if isinstance(item, pytest.Function) and "studio" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("studio"))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose workspace holds two finished runs; tests only look at it."""
    made = Server(tmp_path_factory.mktemp("studio") / "workspace")
    made.start()
    first = made.create_run("First", training(made.workspace))
    twice = {"name": "glims", "path": "datasets/glims", "balancing": 2}
    changes = {"learning_rate": 0.0005, "lora_rank": 8, "concepts": [twice], "resolution": "128x64", "batch_size": 5}
    second = made.create_run("Second", training(made.workspace, epochs=2, **changes))
    made.wait_for(first, "completed")
    made.wait_for(second, "completed")
    yield made
    made.close()


class Visitor:
    """Somebody with a browser window; errors on the page's console fail the test that opened it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        expect(self.page.get_by_role("main")).not_to_be_empty()
        return self.page


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens a window: `visit(server)`, with viewport and color_scheme at will."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(server: Server, **options: Any) -> Visitor:
        is_phone = options.setdefault("viewport", DESKTOP)["width"] < 600
        context = browser.new_context(reduced_motion="reduce", is_mobile=is_phone, has_touch=is_phone, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        visitors.append(Visitor(context, server.url))
        return visitors[-1]

    yield make
    for context in contexts:
        context.close()
    unexpected = [error for visitor in visitors for error in visitor.errors if not _is_of_the_browser(error)]
    assert not unexpected


def _is_of_the_browser(error: str) -> bool:
    """Chromium itself reports failed requests, and what it does not ask of somebody who has not touched the page.

    What the page makes of it, the tests look at.
    """
    signs = (
        "Failed to load resource",
        "WebSocket connection to",
        "dynamically imported module",
        "Blocked attempt to show a 'beforeunload' confirmation panel",
    )
    return any(sign in error for sign in signs)
