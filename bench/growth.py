"""Measure a server with much to look after: `python -m bench.growth [--scale S] [PART ...]`.

datasets   a data set of 100,000 captioned pictures: the list, a page, a search, deleting one, the server's memory
journal    a run of 2 million steps: the start without an index, reading it all, three curves of 4,000 points
runs       2,000 runs: the start without an index, status and list, a core's share while nothing happens
tail       300 MB behind the last newline of a journal: a core's share while nothing happens
listeners  a training of the demo model with and without 200 WebSocket clients on all topics, in turns

Times are absolute, of the machine that measures; `--scale 0.1` takes a tenth of everything.
"""

import argparse
import json
import os
import re
import socket
import statistics
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from PIL import Image

from bench.loops import OurLoop, make_run, temporary_workspace
from bench.models import write_model, write_pictures
from bench.run import SIDES_PX, settings
from bench.server import start_server
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.protocol.workspace import Workspace

Found = dict[str, float]

NUM_ASKED = 21
IDLE_S = 10.0
NUM_TURNS = 40
STEPS_OF_A_TURN = 15
SETTLING_S = 0.5
"""Until clients that have come or gone are no work any more."""
TOPICS = "metrics,log,runs,samples,system"


class Server:
    """A server on a workspace, and what it takes."""

    def __init__(self, process: psutil.Process, address: str) -> None:
        self._process = process
        self.address = address

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The answer to a request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.address + path, data, headers, method=method)) as answer:
            return json.load(answer)

    def seconds(self, path: str, method: str = "GET", body: Any = None) -> float:
        """How long an answer takes."""
        start = time.perf_counter()
        self.ask(path, method, body)
        return time.perf_counter() - start

    def median_ms(self, path: str) -> float:
        """How long an answer takes, usually."""
        return statistics.median(self.seconds(path) for _ in range(NUM_ASKED)) * 1e3

    def resident_mb(self, line: str = "VmRSS") -> float:
        """Memory it holds, or with `VmHWM` the most it ever held."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        return int(re.findall(rf"{line}:\s+(\d+)", status)[0]) / 1e3

    def idle_percent(self) -> float:
        """Share of a core that it takes while nothing happens."""
        before = self.cpu_s()
        time.sleep(IDLE_S)
        return 100 * (self.cpu_s() - before) / IDLE_S

    def cpu_s(self) -> float:
        """Seconds of a core it has taken."""
        times = self._process.cpu_times()
        return times.user + times.system

    def wait(self, is_done: Callable[[], bool]) -> float:
        """Seconds until something is so."""
        start = time.perf_counter()
        while not is_done():
            time.sleep(0.2)
        return time.perf_counter() - start


@contextmanager
def served(workspace: Path) -> Generator[tuple[Server, float]]:
    """A server, and seconds from the command to its first status."""
    start = time.perf_counter()
    process, address = start_server(workspace)
    try:
        server = Server(psutil.Process(process.pid), address)
        server.ask("/api/training/status")
        yield server, time.perf_counter() - start
    finally:
        process.terminate()
        process.communicate()


def make_runs(workspace: Path, num_runs: int, num_steps: int) -> list[RunFolder]:
    """Runs that have ended."""
    home = Workspace(workspace)
    home.create()
    config = {"model_type": "STABLE_DIFFUSION_15", "training_method": "LORA", "train_device": "cpu"}
    folders = [create_run(home.runs, TrainTask(config=config), f"run {number}") for number in range(num_runs)]
    for folder in folders:
        write_journal(folder, num_steps)
    return folders


def write_journal(folder: RunFolder, num_steps: int) -> None:
    """The events of a training of so many steps, as a trainer writes them."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    progress = '{"epoch":0,"epoch_step":%d,"epoch_sample":0,"global_step":%d}'
    with folder.events.open("w", encoding="utf-8") as file:

        def write(seq: int, kind: str, rest: str) -> None:
            at = (start + timedelta(seconds=seq)).isoformat()
            file.write(f'{{"seq":{seq},"time":"{at}","type":"{kind}",{rest}}}\n')

        write(1, "started", '"pid":1,"resume_id":0')
        write(2, "planned", f'"max_step":{num_steps},"max_epoch":1,"progress":{progress % (0, 0)}')
        for step in range(1, num_steps + 1):
            loss = 0.1 + step * 7919 % 1000 / 1e4
            values = f'"loss/train_step":{loss},"smooth_loss/train_step":{loss / 2},"lr/unet":0.0001'
            write(step + 2, "step", f'"progress":{progress % (step, step)},"metrics":{{{values}}}')
        write(num_steps + 3, "completed", f'"progress":{progress % (num_steps, num_steps)}')


def measure_datasets(workspace: Path, scale: float) -> Found:
    """What 100,000 captioned pictures cost: seconds, and the server's memory."""
    folder = workspace / "datasets" / "large"
    folder.mkdir(parents=True)
    number = int(100_000 * scale)
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    for index in range(number):
        (folder / f"{index:06}.png").write_bytes(file.getvalue())
        (folder / f"{index:06}.txt").write_text(f"picture {index}, a caption of some words")
    page = f"/api/datasets/large/pictures?limit=100&offset={number // 2}"
    with served(workspace) as (server, _):
        found = {"list, first": server.seconds("/api/datasets"), "page, first": server.seconds(page)}
        found["list"], found["page"] = server.median_ms("/api/datasets") / 1e3, server.median_ms(page) / 1e3
        found["delete"] = server.seconds(f"/api/datasets/large/files/{number // 2:06}.png", "DELETE")
        found["page after that"] = server.seconds(page)
        found["search"] = server.seconds(f"{page}&search=words")
        found["peak MB"] = server.resident_mb("VmHWM")
        config = {"concepts": [{"path": "datasets/large"}], "resolution": "64"}
        found["preview of 3 pictures"] = server.seconds("/api/config/preview", "POST", config)
        found["peak MB then"] = server.resident_mb("VmHWM")
        found["check before a start"] = server.seconds("/api/config/validate?deep=true", "POST", config)
        return found | {"peak MB at last": server.resident_mb("VmHWM")}


def measure_journal(workspace: Path, scale: float) -> Found:
    """What a journal of 2 million steps costs: seconds, and the server's memory."""
    number = int(2e6 * scale)
    (folder,) = make_runs(workspace, 1, number)
    last = f"/api/runs/{folder.run_id}/metrics?names=loss/train_step&max_points=4"
    curves = f"/api/runs/{folder.run_id}/metrics?max_points=4000"

    def is_read() -> bool:
        metrics = server.ask(last)["metrics"].get("loss/train_step")
        return bool(metrics) and metrics[-1]["step"] == number

    with served(workspace) as (server, first_s):
        found = {"start without an index": first_s, "until all is read": server.wait(is_read)}
        found |= {"three curves": server.median_ms(curves) / 1e3, "peak MB": server.resident_mb("VmHWM")}
        found["three curves, smoothed"] = server.seconds(f"{curves}&smoothing=0.9")
        found["peak MB then"] = server.resident_mb("VmHWM")
    with served(workspace) as (server, first_s):
        return found | {"start with one": first_s}


def measure_runs(workspace: Path, scale: float) -> Found:
    """What 2,000 runs cost."""
    number = int(2000 * scale)
    make_runs(workspace, number, 50)
    with served(workspace) as (server, first_s):
        found = {"start without an index, s": first_s}
        found["until all are listed, s"] = server.wait(lambda: server.ask("/api/runs?limit=1")["total"] == number)
        found["list of 50, ms"] = server.median_ms("/api/runs?limit=50")
        found["status, ms"] = server.median_ms("/api/training/status")
        found["idle, % of a core"] = server.idle_percent()
        return found | {"peak MB": server.resident_mb("VmHWM")}


def measure_tail(workspace: Path, scale: float) -> Found:
    """What 300 MB cost that a power cut left behind the last line."""
    (folder,) = make_runs(workspace, 1, 50)
    with folder.events.open("ab") as file:
        file.truncate(file.tell() + int(300e6 * scale))
    with served(workspace) as (server, first_s):
        return {
            "start, s": first_s,
            "idle, % of a core": server.idle_percent(),
            "peak MB": server.resident_mb("VmHWM"),
        }


def measure_listeners(workspace: Path, scale: float) -> Found:
    """What the server's work for 200 clients costs a training on the same machine.

    The clients take no part of the machine: while steps are timed, what they are sent waits in their sockets.
    """
    Workspace(workspace).create()
    write_model(workspace / "models" / "demo", "demo")
    write_pictures(workspace / "datasets" / "demo", 16, SIDES_PX["demo"])
    folder = make_run(workspace, settings(workspace, "demo"))
    lock = HeldLock(folder.lock)  # or the server would start a trainer for it
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    rates: list[float] = []
    with served(workspace) as (server, _):
        loop = OurLoop(folder)
        loop.block(20)
        for number in range(2 * NUM_TURNS):
            clients = [connect(server.address) for _ in range(int(200 * scale) if number % 2 else 0)]
            time.sleep(SETTLING_S)
            before, start = server.cpu_s(), time.perf_counter()
            step_s = loop.block(STEPS_OF_A_TURN)
            seconds = time.perf_counter() - start
            found[number % 2 == 1].append((step_s, (server.cpu_s() - before) / seconds))
            rates += [leave(client) / seconds for client in clients]
    lock.release()
    pairs = zip(found[True], found[False], strict=True)
    return {
        "steps a second, alone": 1 / statistics.median(step_s for step_s, _ in found[False]),
        "step with clients / alone": statistics.median(heard[0] / alone[0] for heard, alone in pairs),
        "server alone, % of a core": 100 * statistics.median(share for _, share in found[False]),
        "server with clients, % of a core": 100 * statistics.median(share for _, share in found[True]),
        "messages a second to each client, least": min(rates, default=0),
        "messages a second to each client, median": statistics.median(rates or [0]),
    }


def connect(address: str) -> socket.socket:
    """A WebSocket on all topics, whose messages its socket keeps until it leaves."""
    host, _, port = address.removeprefix("http://").partition(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**21)
    client.connect((host, int(port)))
    client.sendall(
        f"GET /ws?topics={TOPICS} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    received = b""
    while b'"connected"' not in received:
        received += client.recv(2**16)
    return client


def leave(client: socket.socket) -> int:
    """Close a WebSocket; gives how many messages it was sent."""
    with client:
        client.setblocking(False)
        received = b""
        with suppress(BlockingIOError):
            while piece := client.recv(2**20):
                received += piece
        return received.count(b'{"type"')


PARTS: dict[str, Callable[[Path, float], Found]] = {
    "datasets": measure_datasets,
    "journal": measure_journal,
    "runs": measure_runs,
    "tail": measure_tail,
    "listeners": measure_listeners,
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="all when none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes above")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"cores": os.cpu_count(), "load before": os.getloadavg()[0], "scale": arguments.scale}
    for part in arguments.parts:
        with temporary_workspace() as name:
            found[part] = PARTS[part](Path(name), arguments.scale)
    print(json.dumps(found, indent=2, default=lambda value: round(value, 4)))


if __name__ == "__main__":
    main()
