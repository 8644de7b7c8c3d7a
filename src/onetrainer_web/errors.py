"""The error tree: every expected failure is a leaf that carries its data, its HTTP status and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class OneTrainerWebError(Exception):
    """Root of every expected failure; its text is one readable sentence."""

    status = 500
    headers: Mapping[str, str] = {}
    details: Mapping[str, Any] = {}
    """What an answer tells besides the sentence, for a program to act on."""


class InvalidRequestError(OneTrainerWebError):
    """The request is understood but cannot be carried out as asked."""

    status = 400


class InvalidConfigError(InvalidRequestError):
    """A configuration cannot be read or used."""


class NotFoundError(OneTrainerWebError):
    """Something named by the caller does not exist."""

    status = 404


class ConfigNotFoundError(NotFoundError):
    """No configuration has this name or path."""

    def __init__(self, name: str | Path) -> None:
        super().__init__(
            f"There is no configuration {str(name)!r}: no file has this path, and no listed configuration this name."
        )
        self.name = name


class RunNotFoundError(NotFoundError):
    """No run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id!r}. It may have been deleted; reload the list.")
        self.run_id = run_id


class TrainerNotInstalledError(OneTrainerWebError):
    """The server was installed without the trainer."""

    status = 501

    def __init__(self) -> None:
        super().__init__("The trainer is not installed here. Install it with: pip install 'onetrainer-web[train]'")
