"""An object is whole when it has been made: no method gives it what it should have had from the start."""

import ast
from collections.abc import Iterator
from pathlib import Path

import onetrainer_web

SOURCES = Path(onetrainer_web.__file__).parent
OTHERS = {"bridge", "tiny", "families"}
"""What runs in OneTrainer's Python, and families: they know which variant they are when they have loaded a model."""


def test_no_attribute_is_born_after_its_object() -> None:
    sources = (path for path in SOURCES.rglob("*.py") if OTHERS.isdisjoint(path.relative_to(SOURCES).parts))
    found = {
        f"{path.relative_to(SOURCES)}: {node.name}": late
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and (late := _late(node))
    }
    assert found == {}


def _late(owner: ast.ClassDef) -> set[str]:
    """Attributes that are set in methods, but neither by the constructor nor named by the class."""
    declared = {name.id for part in owner.body for name in _targets(part)}
    methods = {part.name: set(_set_in(part)) for part in owner.body if isinstance(part, ast.FunctionDef)}
    made = methods.pop("__init__", set())
    return set().union(*methods.values()) - made - declared


def _targets(part: ast.stmt) -> Iterator[ast.Name]:
    targets = part.targets if isinstance(part, ast.Assign) else [part.target] if isinstance(part, ast.AnnAssign) else []
    return (target for target in targets if isinstance(target, ast.Name))


def _set_in(method: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
