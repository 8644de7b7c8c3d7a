"""The page's own tools: its types, its style, its logic, and that its client fits the API of today."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.check]

WEB = Path(__file__).parents[2] / "web"
SCHEMA = WEB / "src" / "api" / "schema.d.ts"


def run(*command: str) -> None:
    npm = shutil.which("npm")
    assert npm, "npm is needed to check the page"
    done = subprocess.run([npm, *command], cwd=WEB, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", ["types", "lint", "test"])
def test_the_pages_own_tools_find_nothing(script: str) -> None:
    run("run", "--silent", script)


def test_the_client_is_made_from_the_api_of_today(tmp_path: Path) -> None:
    fresh = tmp_path / "schema.d.ts"
    run("exec", "--", "openapi-typescript", "../openapi.json", "--output", str(fresh))
    assert fresh.read_text() == SCHEMA.read_text(), "run `npm run generate` in web/"


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()
