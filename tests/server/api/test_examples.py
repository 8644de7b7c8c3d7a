"""The contract's own examples, as written, against a really served application; only the port is put in."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PYTHON_EXAMPLE = """
import requests
import json

# Fetch training status
response = requests.get('http://localhost:8000/api/training/status')
status = response.json()
print(status)

# Start training
response = requests.post(
    'http://localhost:8000/api/training/start',
    json={'config_path': '/path/to/config.json'}
)
result = response.json()
print(result)

# WebSocket (using websockets library)
import asyncio
import websockets

async def monitor_training():
    async with websockets.connect('ws://localhost:8000/ws') as ws:
        async for message in ws:
            data = json.loads(message)
            print('Received:', data)

asyncio.run(monitor_training())
"""

JAVASCRIPT_EXAMPLE = """
// Fetch training status
const response = await fetch('http://localhost:8000/api/training/status');
const status = await response.json();
console.log(status);

// Start training
await fetch('http://localhost:8000/api/training/start', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    config_path: '/path/to/config.json'
  })
});

// WebSocket connection
const ws = new WebSocket('ws://localhost:8000/ws');
ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log('Received:', data);
};
"""

CURL_EXAMPLES = (
    ("curl", "http://localhost:8000/api/training/status"),
    (
        "curl",
        *("-X", "POST", "http://localhost:8000/api/training/start"),
        *("-H", "Content-Type: application/json"),
        *("-d", '{"config_path": "/path/to/config.json"}'),
    ),
    ("curl", "http://localhost:8000/api/system/info"),
    ("curl", "-X", "POST", "http://localhost:8000/api/training/stop"),
)


@pytest.fixture
def put_in(address: str, training_config: dict[str, Any], tmp_path: Path) -> Callable[[str], str]:
    """Replaces the example's server and file by those of the test."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(training_config))

    def put_in_one(text: str) -> str:
        server = address.removeprefix("http://").replace("127.0.0.1", "localhost")
        return text.replace("localhost:8000", server).replace("/path/to/config.json", str(path))

    return put_in_one


async def _run_until(command: tuple[str, ...], expected: str) -> str:
    """Run a program that never ends by itself until it prints a line with `expected`."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    printed = ""
    try:
        async with asyncio.timeout(60):
            while expected not in printed and (line := await process.stdout.readline()):
                printed += line.decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    return printed


def test_the_python_example_works_as_written(put_in: Callable[[str], str]) -> None:
    printed = asyncio.run(_run_until((sys.executable, "-u", "-c", put_in(PYTHON_EXAMPLE)), "'training_state'"))
    assert "'status': 'idle'" in printed
    assert "{'success': True, 'message': 'Training started'}" in printed
    assert "Received: {'type': 'connected'" in printed
    assert "'is_training': True" in printed
    assert "Received: {'type': 'training_state'" in printed


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_javascript_example_works_as_written(put_in: Callable[[str], str]) -> None:
    command = ("node", "--experimental-websocket", "--input-type=module", "-e", put_in(JAVASCRIPT_EXAMPLE))
    printed = asyncio.run(_run_until(command, "'training_state'"))
    assert "status: 'idle'" in printed
    assert "type: 'connected'" in printed
    assert "type: 'training_state'" in printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_examples_work_as_written(put_in: Callable[[str], str]) -> None:
    answers = [
        json.loads(subprocess.run([*map(put_in, command), "-s"], capture_output=True, check=True).stdout)
        for command in CURL_EXAMPLES
    ]
    assert answers[0]["status"] == "idle"
    assert answers[1] == {"success": True, "message": "Training started"}
    assert set(answers[2]) >= {"os", "cpu", "memory", "disk", "gpu"}
    assert answers[3] == {"success": True, "message": "Stop command sent"}
