"""What the docs and the page say of the code is what the code says: places, commands, addresses and numbers."""

import json
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.rules.test_tools import ROOT
from typer.core import TyperGroup

from onetrainer_web.api import connections, sessions, tokens
from onetrainer_web.cli.main import app
from onetrainer_web.config import variants
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.dataset import decoding
from onetrainer_web.files import json_files
from onetrainer_web.runs import broker, ladder
from onetrainer_web.storage import curves
from onetrainer_web.tiny.paths import tiny_model_folder

SOURCE = ROOT / "src" / "onetrainer_web"
HISTORY = "CHANGELOG.md"
"""Tells also of what is gone."""
PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md"))
}
OF_TODAY = {name: text for name, text in PAGES.items() if name != HISTORY}
FOREIGN = {"gen_img.py", "comfy/zluda.py"}
"""Files of other programs that the pages name."""
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def in_code(pattern: str) -> Iterator[tuple[str, re.Match[str]]]:
    """What the pages of today say in code, with the page that does."""
    for name, text in OF_TODAY.items():
        for code in CODE.findall(text):
            yield from ((name, match) for match in re.finditer(pattern, code))


def test_the_table_of_families_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "family_table.py"))
    assert script["PAGE"].read_text() == script["page"](), "python scripts/family_table.py"


def test_the_page_has_a_name_for_every_model_type() -> None:
    texts = json.loads((ROOT / "web" / "src" / "locales" / "en.json").read_text())
    assert [name.value for name in MODEL_TYPES if name.value not in texts["names"]] == []


def test_links_lead_somewhere() -> None:
    lost = [
        (name, link)
        for name, text in PAGES.items()
        for link in re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", text)
        if "://" not in link and not (ROOT / name).parent.joinpath(link).exists()
    ]
    assert lost == []


def test_files_and_folders_that_are_named_are_there() -> None:
    known = {path.name for folder in ("src", "scripts", "bench", "tests", "web/src") for path in _files(ROOT / folder)}
    homes = [ROOT, ROOT / "src", SOURCE, SOURCE / "engine", ROOT / "web" / "src"]
    top = {path.name for path in ROOT.iterdir() if path.is_dir()}
    lost: set[tuple[str, str]] = set()
    for name, match in in_code(r"(?<![\w./<>*{-])\w[\w.-]*(?:/[\w.-]+)*/?(?![\w/<{*…])"):
        path = match[0].rstrip(".")
        if "/" in path and path.split("/")[0] in top | {"engine"} or path.endswith((".py", ".ts", ".tsx")):
            places = [home / path for home in (*homes, (ROOT / name).parent)]
            is_there = any(place.exists() for place in places) if "/" in path else path in known
            if not is_there and path not in FOREIGN and "://" not in path:
                lost.add((name, path))
    assert lost == set()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_make_knows_what_the_pages_and_the_forge_ask_of_it() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {match[1] for _, match in in_code(r"(?:^|[`\n])make ([a-z-]+)")}
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    matrix = re.findall(r"target: \[(.*)\]", workflow)[0].split(", ")
    assert "make ${{ matrix.target }}" in workflow
    assert (asked | {*matrix} | {*re.findall(r"entry: make --quiet (\S+)", hooks)}) - targets == set()


def test_scripts_and_modules_that_are_to_be_run_are_there() -> None:
    scripts = {match[1] for _, match in in_code(r"python ([\w/]+\.py)")}
    modules = {match[1] for _, match in in_code(r"python -m ((?:bench|onetrainer_web|tests)[\w.]+)")}
    files = scripts | {f"{module.replace('.', '/')}.py" for module in modules}
    assert len(files) > 10
    assert {file for file in files if not any((home / file).exists() for home in (ROOT, ROOT / "src"))} == set()


def test_the_command_line_knows_what_the_pages_ask_of_it() -> None:
    unknown = [(name, match[0]) for name, match in in_code(r"onetrainer-web( [^`\n|&;]+)") if not _is_known(match[1])]
    assert unknown == []


def _is_known(line: str) -> bool:
    command: Any = typer.main.get_command(app)
    for word in line.split():
        if isinstance(command, TyperGroup) and not word.startswith("-"):
            if word not in command.commands:
                return False
            command = command.commands[word]
        elif word.startswith("--") and word.partition("=")[0] not in {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts, "--help")
        }:
            return False
    return True


def test_the_api_has_what_the_pages_ask_for() -> None:
    paths = json.loads((ROOT / "openapi.json").read_text())["paths"]
    unknown = [
        (name, match[0])
        for name, match in in_code(r"\b(GET|POST|PUT|PATCH|DELETE) (/api/[\w/{}.-]+)")
        if not any(match[1].lower() in paths[path] for path in paths if _is_alike(path, match[2]))
    ]
    assert unknown == []


def _is_alike(path: str, asked: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), asked.rstrip("/.")) is not None


def test_variables_of_the_environment_are_read() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")).upper()
    named = {match[1] for _, match in in_code(r"\bONETRAINER_WEB_([A-Z_]+)\b")}
    assert len(named) > 5
    assert {name for name in named if name not in source} == set()


def test_every_decision_stands_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    expected = [f"[{page.read_text().splitlines()[0].partition('. ')[2]}]({page.name})" for page in pages]
    listed = re.findall(r"^\d+\. (\[.*\]\(.*\))$", (folder / "README.md").read_text(), re.MULTILINE)
    assert [entry.rpartition("](")[2] for entry in listed] == [page.name + ")" for page in pages]
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(expected) + 1))


def test_the_drawn_floors_of_the_engine_are_those_that_are_held() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == ["onetrainer_web.engine"]]
    drawn = re.findall(r"## The floors of the engine\n\n```\n(.*?)```", PAGES["docs/architecture.md"], re.DOTALL)[0]
    rooms = [re.findall(r"(?:^|(?<= ))(\w+)(?:/|\.py)", line) for line in drawn.splitlines()]
    assert [set(line) for line in rooms] == [set(layer.split(" | ")) for layer in layers]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _mib(size: int) -> int:
    return size // 2**20


NUMBERS: dict[str, tuple[str, Any]] = {
    "larger than {} MiB, or cannot be": ("docs/api.md", _mib(json_files.MAX_BYTES)),
    "than {:,} items in a list": ("docs/api.md", json_files.MAX_ITEMS),
    "A file may have 5 MiB and {} levels": ("docs/configuration.md", json_files.MAX_DEPTH),
    "all or none, {} at most": ("docs/api.md", variants.MAX_VARIANTS),
    "leaves {} messages unread": ("docs/api.md", broker.MAX_WAITING),
    "remembers ({} messages)": ("docs/api.md", broker.MAX_REMEMBERED),
    "listener with {} unread messages": ("docs/decisions/0008-a-stream-without-promises.md", broker.MAX_WAITING),
    "of the last {:,}, those missed": ("docs/decisions/0008-a-stream-without-promises.md", broker.MAX_REMEMBERED),
    "which must have {} characters or more": ("docs/api.md", tokens.MIN_LENGTH),
    "which lasts {:.0f} days": ("docs/api.md", sessions.LIFETIME_S / 24 / 3600),
    "at most {} logins": ("docs/decisions/0005-logins-and-secret-addresses.md", sessions.MAX_SESSIONS),
    "must have come within {:.0f} s": ("docs/api.md", connections.HEAD_PATIENCE_S),
    "{:,} connections are borne at once": ("docs/api.md", connections.MAX_CONNECTIONS),
    "may take {} MiB of memory": ("docs/data.md", _mib(decoding.MAX_DECODING_BYTES)),
    "into blocks of {:,} in the index": ("docs/architecture.md", curves.BLOCK_POINTS),
    "A model of {:.1f} MB is part": ("README.md", _size(tiny_model_folder()) / 1e6),
    "model of {:.1f} MB that lies": ("docs/tiny-model.md", _size(tiny_model_folder()) / 1e6),
}
"""Numbers of the pages that stand in the code, where they are said."""


@pytest.mark.parametrize("sentence", NUMBERS)
def test_numbers_are_those_of_the_code(sentence: str) -> None:
    page, number = NUMBERS[sentence]
    assert sentence.format(number) in re.sub(r"\s+", " ", PAGES[page])


def test_the_ladder_is_told_as_it_is_climbed() -> None:
    assert ladder.STEP_S == 5
    assert "five seconds apart at least" in re.sub(r"\s+", " ", PAGES["docs/architecture.md"])
