"""The README's demo, typed as it stands there, against the real server, the real trainer and the embedded model."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Address of a server on an empty workspace, in a process of its own."""
    command = [sys.executable, "-u", "-m", "onetrainer_web.cli.main", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(tmp_path / "workspace")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    found = next(match for line in process.stdout if (match := re.search(r"running on http://(\S+)", line)))
    yield found[1]
    process.terminate()
    process.communicate()


def _five_lines(address: str) -> list[str]:
    section = README.read_text().split("## The demo in five lines")[1]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert block
    return [line.replace("localhost:8000", address).replace("curl", "curl -s", 1) for line in block[1].splitlines()]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_demo_in_five_lines_works_as_written(
    address: str, tmp_path: Path, wait_until: Callable[[Callable[[], object], float], None]
) -> None:
    def type_in(line: str) -> str:
        return subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    def ask(path: str) -> Any:
        return httpx.get(f"http://{address}/api/{path}").json()

    start, status, latest, image, stop = _five_lines(address)
    assert json.loads(type_in(start)) == {"success": True, "message": "Training started"}
    wait_until(lambda: ask("samples/list")["samples"] or ask("training/status")["error"], 300)
    assert ask("training/status")["error"] is None

    assert json.loads(type_in(status))["is_training"]
    assert json.loads(type_in(latest))["samples"][0]["metadata"]["prompt"]
    type_in(image)
    with Image.open(tmp_path / "sample.png") as sample:
        assert sample.size == (64, 64)
    assert json.loads(type_in(stop)) == {"success": True, "message": "Stop command sent"}
    wait_until(lambda: not ask("training/status")["is_training"], 300)
    assert ask("training/status")["status"] == "stopped"
