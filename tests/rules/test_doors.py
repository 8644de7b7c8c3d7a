"""What comes from outside is opened at one place, where it is judged."""

import ast
from pathlib import Path

import onetrainer_web

SOURCES = Path(onetrainer_web.__file__).parent
DOORS = {"Image.open": {"dataset/sizes.py"}, "av.open": {"dataset/videos.py"}}


def test_pictures_and_videos_are_opened_by_one_file_each() -> None:
    found: dict[str, set[str]] = {call: set() for call in DOORS}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and (call := ast.unparse(node).removeprefix("PIL.")) in found:
                found[call].add(path.relative_to(SOURCES).as_posix())
    assert found == DOORS


ROOMS = ("api", "app", "config", "dataset", "files", "model_files", "protocol", "runs", "storage")
"""What reads folders that may come from anywhere."""
OWN_FILES = {
    "api/sessions.py",
    "api/tokens.py",
    "app/saved_views.py",
    "runs/server_lock.py",
    "storage/retired.py",
}
"""Those that open what this server alone writes, in the workspace itself."""
READS = {"read_bytes", "read_text"}


def test_files_from_elsewhere_are_opened_at_one_place() -> None:
    """It follows links only where they may be followed, and waits for no pipe."""
    openers: set[str] = set()
    for path in (path for room in ROOMS for path in (SOURCES / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _opens(node):
                openers.add(path.relative_to(SOURCES).as_posix())
    assert openers == OWN_FILES


def _opens(call: ast.Call) -> bool:
    """Whether a call opens a file by its path to read it."""
    if isinstance(call.func, ast.Name):
        return call.func.id in {"open", "FileResponse"} and "open_file(" not in ast.unparse(call)
    if not isinstance(call.func, ast.Attribute):
        return False
    is_read = any(isinstance(argument, ast.Constant) and argument.value in ("r", "rb") for argument in call.args)
    return call.func.attr in READS or (call.func.attr == "open" and is_read)
