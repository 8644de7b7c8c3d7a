"""Saved views of the runs."""

from typing import Annotated

from fastapi import Depends, Path
from pydantic import BaseModel, Field
from starlette.requests import Request

from onetrainer_web.api.routing import NOT_FOUND, Answer, new_router
from onetrainer_web.app.saved_views import SavedView, SavedViews, View

router = new_router("/api/views", "runs")
ViewName = Annotated[
    str,
    Path(
        description="Name of the view.",
        max_length=100,
        pattern=r"^[^/\x00-\x20\x7f]([^/\x00-\x1f\x7f]*[^/\x00-\x20\x7f])?$",
    ),
]


async def _saved_views(request: Request) -> SavedViews:
    return request.app.state.saved_views


SavedViewsDependency = Annotated[SavedViews, Depends(_saved_views)]


class ViewList(BaseModel):
    """All saved views."""

    views: list[SavedView] = Field(description="By name.")


@router.get("")
def list_views(saved: SavedViewsDependency) -> ViewList:
    """The saved views."""
    return ViewList(views=saved.list())


@router.put("/{name}")
def save_view(saved: SavedViewsDependency, name: ViewName, view: View) -> Answer:
    """Keep a view, in the place of one of the same name."""
    saved.save(name, view)
    return Answer(message=f"Saved the view {name!r}.")


@router.delete("/{name}", responses=NOT_FOUND)
def delete_view(saved: SavedViewsDependency, name: ViewName) -> Answer:
    """Forget a view."""
    saved.delete(name)
    return Answer(message=f"Deleted the view {name!r}.")
