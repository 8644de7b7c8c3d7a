"""The tools that read the code, run as tests so that one command and one line of counts covers them all."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PROSE = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs"]


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["lint-imports"],
        ["codespell", "src", "tests", *PROSE],
        pytest.param(["pyright"], marks=[pytest.mark.slow, pytest.mark.check, pytest.mark.long]),
    ],
    ids=["lint", "format", "import rules", "spelling", "types"],
)
def test_code_passes(command: list[str]) -> None:
    result = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
