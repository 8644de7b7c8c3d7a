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
