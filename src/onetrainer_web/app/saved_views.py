"""Views of the runs that somebody wants to come back to; kept in views.json."""

import threading
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from onetrainer_web.errors import InvalidRequestError, NotFoundError
from onetrainer_web.files.json_files import write_json_atomically

MAX_COMPARED = 6
"""Runs beside each other."""
MAX_VIEWS = 100


class View(BaseModel):
    """Which runs are looked at: those that fit, or a few beside each other."""

    search: str = Field(default="", max_length=200, description="Words in the name, id, model or method of the runs.")
    status: Literal["all", "active", "completed", "ended"] = Field(
        default="all", description="How far the runs are; `ended` are those that ended early."
    )
    run_ids: list[Annotated[str, Field(max_length=100, pattern=r"^[\w.-]+$")]] = Field(
        default_factory=list,
        max_length=MAX_COMPARED,
        description="Runs that are compared; what else is said then does not count.",
    )


class SavedView(View):
    """A view with its name."""

    name: str = Field(description="What people call it.")


class ViewNotFoundError(NotFoundError):
    """No view has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no saved view {name!r}. It may have been deleted; reload the list.")


class TooManyViewsError(InvalidRequestError):
    """There is no room for another view."""

    def __init__(self) -> None:
        super().__init__(f"There are {MAX_VIEWS} saved views already; delete one first.")


_VIEWS = TypeAdapter(dict[str, View])


class SavedViews:
    """The saved views of a workspace; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def list(self) -> list[SavedView]:
        """All of them, by name.

        Raises:
            InvalidRequestError: Their file holds something else.
        """
        return [SavedView(name=name, **dict(view)) for name, view in sorted(self._read().items())]

    def save(self, name: str, view: View) -> None:
        """Keep a view, in the place of one of the same name.

        Raises:
            TooManyViewsError: There is no room.
            InvalidRequestError: Their file holds something else, which is not overwritten.
        """
        with self._lock:
            views = self._read() | {name: view}
            if len(views) > MAX_VIEWS:
                raise TooManyViewsError
            self._write(views)

    def delete(self, name: str) -> None:
        """Forget a view.

        Raises:
            ViewNotFoundError: None has this name.
            InvalidRequestError: Their file holds something else.
        """
        with self._lock:
            views = self._read()
            if views.pop(name, None) is None:
                raise ViewNotFoundError(name)
            self._write(views)

    def _read(self) -> dict[str, View]:
        try:
            return _VIEWS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            message = f"{self._path} does not hold saved views. Correct the file, or delete it."
            raise InvalidRequestError(message) from error

    def _write(self, views: dict[str, View]) -> None:
        write_json_atomically(self._path, _VIEWS.dump_python(views, mode="json"))
