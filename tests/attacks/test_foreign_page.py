"""A hostile page in Chromium, on another port of the same machine: it learns nothing and leaves nothing behind."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect
from tests.e2e.conftest import browser

from onetrainer_web.app import doctor
from onetrainer_web.protocol.workspace import Workspace

__all__ = ["browser"]

PAGE = """<!doctype html><a href="{address}/">to the studio</a>
<script>
const address = "{address}";
const see = (path) => new Promise((done) => {{
  const image = new Image();
  image.onload = () => done(image.naturalWidth);
  image.onerror = () => done(0);
  image.src = address + path;
}});
const read = (path) => fetch(address + path).then((answer) => answer.text()).catch(() => "");
const listen = () => new Promise((done) => {{
  const socket = new WebSocket(address.replace("http", "ws") + "/ws");
  socket.onmessage = (message) => done(message.data);
  socket.onerror = () => done("");
}});
const send = (path) => fetch(address + path, {{method: "POST", mode: "no-cors", body: "{{}}"}}).catch(() => "");
async function attack() {{
  const sizes = [...Array(20).keys()].map((number) => "/api/datasets/squares/files/0.png?thumbnail=" + (16 + number));
  const seen = await Promise.all(["/api/datasets/squares/files/0.png", "/api/system/doctor", ...sizes].map(see));
  await send("/api/training/stop");
  await send("/api/tensorboard/start");
  return {{seen, read: await read("/api/training/status"), heard: await listen()}};
}}
</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def hostile(tmp_path: Path, address: str) -> Iterator[str]:
    """Address of the hostile page."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE.format(address=address))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
@pytest.mark.usefixtures("training_config")
def test_a_hostile_page_learns_nothing_and_leaves_nothing(
    app: FastAPI, address: str, hostile: str, browser: Browser, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []

    def look() -> doctor.Finding:
        looks.append(None)
        return doctor.Finding(subject="devices", is_fine=True, text="none")

    monkeypatch.setattr(doctor, "examine_devices", look)
    page = browser.new_page()
    page.goto(hostile)
    found = page.evaluate("attack()")
    assert set(found["seen"]) == {0}
    assert (found["read"], found["heard"]) == ("", "")
    assert not workspace.thumbnails.exists()
    assert not looks
    assert app.state.tensorboard.port is None
    page.get_by_role("link").click()  # to look at the studio itself is nobody's harm
    page.wait_for_url(f"{address}/")
    expect(page.get_by_text("OneTrainer Web").first).to_be_visible()
    page.close()


@pytest.mark.slow
def test_a_script_in_tensorboards_page_has_no_part_in_the_api(
    app: FastAPI, address: str, browser: Browser, workspace: Workspace
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    events: Any = event_pb2  # their classes are made as they are imported
    summaries: Any = summary_pb2

    writer = EventFileWriter(str(workspace.runs / "a-run" / "tensorboard"))
    for step in range(3):
        value = summaries.Summary.Value(tag="loss/train_step", simple_value=step)
        writer.add_event(events.Event(step=step, summary=summaries.Summary(value=[value])))
    writer.close()
    app.state.tensorboard.start()
    try:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "SecurityError" in message.text else None)
        page.goto(f"{address}/api/tensorboard/page/")
        expect(page.get_by_text("loss/train_step").first).to_be_visible(timeout=60_000)
        assert not errors
        tried = page.evaluate("fetch('/api/training/status').then((answer) => answer.text()).catch(() => 'refused')")
        assert (tried, page.evaluate("window.origin")) == ("refused", "null")
        page.close()
    finally:
        app.state.tensorboard.stop()
