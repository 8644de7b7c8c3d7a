"""Sees which settings a training reads of its configuration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.checks.issue import Issue, Subject
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop import preparation


class Reads:
    """The settings that were read, by their paths."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.is_paused = False
        self._owners: dict[int, tuple[ConfigModel, str]] = {}
        """By id: an object of a configuration, kept so that its id is given to no other, and its path."""

    def note(self, owner: ConfigModel, name: str, value: Any) -> None:
        """Take note that a setting was read."""
        if self.is_paused or name not in type(owner).model_fields or (parent := self._path_of(owner)) is None:
            return
        path = f"{parent}{name}"
        self.paths.add(path)
        for item, suffix in [(value, "."), *((one, "[].") for one in (value if isinstance(value, list) else []))]:
            if isinstance(item, ConfigModel):
                self._owners[id(item)] = (item, f"{path}{suffix}")

    def _path_of(self, owner: ConfigModel) -> str | None:
        """Where an object stands; None for a changed copy of one whose own reads are seen."""
        if isinstance(owner, TrainConfig):
            return ""
        if isinstance(owner, SampleConfig):  # they come by commands, too
            return "samples[]."
        return self._owners.get(id(owner), (owner, None))[1]


@contextmanager
def reading() -> Iterator[Reads]:
    """Sees whatever is read of any configuration meanwhile, but for the checks, which look at all of it."""
    found = Reads()
    find_issues: Callable[[Subject], list[Issue]] = preparation.find_issues

    def read(owner: ConfigModel, name: str) -> Any:
        value = object.__getattribute__(owner, name)
        if not name.startswith("_"):
            found.note(owner, name, value)
        return value

    def check(subject: Subject) -> list[Issue]:
        found.is_paused = True
        try:
            return find_issues(subject)
        finally:
            found.is_paused = False

    setattr(ConfigModel, "__getattribute__", read)  # noqa: B010 - the type checker knows that methods are not assigned
    setattr(preparation, "find_issues", check)  # noqa: B010 - nor functions of a module
    try:
        yield found
    finally:
        del ConfigModel.__getattribute__
        setattr(preparation, "find_issues", find_issues)  # noqa: B010
