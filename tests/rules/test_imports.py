"""What a fresh interpreter has loaded after importing the server: import-linter cannot see into third parties."""

import json
import subprocess
import sys
from pathlib import Path

from onetrainer_web import cli
from onetrainer_web.bridge import start

START = Path(start.__file__)
HEAVY = {
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "torchvision",
    "numpy",
    "safetensors",
    "tokenizers",
}


def test_importing_the_server_loads_no_part_of_the_trainer() -> None:
    probe = "import json, sys, onetrainer_web.cli.main, onetrainer_web.api.app; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    loaded = {name.partition(".")[0] for name in json.loads(output)}
    assert loaded.isdisjoint(HEAVY)


def test_commands_that_do_not_serve_load_no_part_of_the_server() -> None:
    commands = [f"onetrainer_web.cli.{path.stem}" for path in Path(cli.__file__).parent.glob("*.py")]
    others = [name for name in commands if not name.endswith((".serve", ".openapi"))]
    probe = f"import json, sys, {', '.join(others)}; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    assert {"fastapi", "starlette", "uvicorn", "websockets", "sqlalchemy"}.isdisjoint(json.loads(output))


def test_the_bridge_needs_nothing_but_python() -> None:
    bare = [sys.executable, "-I", "-S", str(START), "/nowhere"]
    result = subprocess.run(bare, capture_output=True, text=True)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert "/nowhere/run.json" in result.stderr


def test_no_installed_package_brings_torchvision() -> None:
    output = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json"], check=True, capture_output=True, text=True
    ).stdout
    assert "torchvision" not in {package["name"] for package in json.loads(output)}
