"""The server's side of the measurements: its start, its memory, and how long a configuration takes."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil

from onetrainer_web.config.files import config_to_dict, parse_config
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import validate

NUM_STARTS = 5
NUM_CONFIGS = 50


def measure_server(workspace: Path) -> dict[str, float]:
    """Seconds from the command to the first answer, and the memory then; medians of starts after a first one."""
    _start_once(workspace)
    starts = [_start_once(workspace) for _ in range(NUM_STARTS)]
    return {
        "start_s": statistics.median(seconds for seconds, _ in starts),
        "resident_mb": statistics.median(size for _, size in starts),
    }


def start_server(workspace: Path) -> tuple[subprocess.Popen[str], str]:
    """A server on a workspace, and its address."""
    command = [sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--port", "0", "--workspace", str(workspace)]
    # As a user's server starts: what Python has compiled once, it keeps.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert server.stderr
    return server, next(line for line in server.stderr if "running on" in line).split("running on ")[1].split()[0]


def _start_once(workspace: Path) -> tuple[float, float]:
    start = time.perf_counter()
    server, address = start_server(workspace)
    with urlopen(f"{address}/api/health") as answer:
        answer.read()
    seconds = time.perf_counter() - start
    resident_mb = psutil.Process(server.pid).memory_info().rss / 1e6
    server.terminate()
    server.communicate()
    return seconds, resident_mb


def measure_configuration(workspace: Path) -> dict[str, float]:
    """Milliseconds to read and to validate a configuration in which every key is written out."""
    complete = config_to_dict(TrainConfig.model_validate({"concepts": [{"path": "datasets/pictures"}]}))
    (workspace / "datasets" / "pictures").mkdir(parents=True, exist_ok=True)

    def milliseconds() -> tuple[float, float]:
        start = time.perf_counter()
        read = parse_config(complete)
        between = time.perf_counter()
        validate(read.config, workspace, notes=read.notes)
        return (between - start) * 1e3, (time.perf_counter() - between) * 1e3

    found = [milliseconds() for _ in range(NUM_CONFIGS)]
    return {
        "read_ms": statistics.median(read for read, _ in found),
        "validate_ms": statistics.median(validated for _, validated in found),
    }
