"""Folders of the server's machine, to find training pictures in: names and counts, never contents."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import AllowedPathsDependency
from onetrainer_web.api.routing import NOT_FOUND, new_router
from onetrainer_web.dataset.folders import Folder, describe_folder, folder_names

router = new_router("/api/folders", "folders")


class FolderPage(BaseModel):
    """What lies in a folder."""

    here: Folder | None = Field(description="The folder itself; null where the way begins.")
    parent: str | None = Field(description="Path of the folder around it; null when that may not be looked into.")
    folders: list[Folder] = Field(description="The folders in it, by name; hidden ones are left out.")
    total: int = Field(ge=0, description="Folders on all pages.")


@router.get("", responses=NOT_FOUND)
def list_folders(
    allowed: AllowedPathsDependency,
    path: Annotated[
        str, Query(max_length=4096, pattern=r"^[^\x00]*$", description="Folder to look into; none: where to begin.")
    ] = "",
    offset: Annotated[int, Query(ge=0, le=2**53, description="Folders to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Folders to give at most.")] = 200,
) -> FolderPage:
    """The folders in a folder, as far as this server may read; without a path, those where looking begins."""
    here = allowed.resolve(path) if path else None
    found = [here / name for name in folder_names(here, allowed.holds)] if here else allowed.starting_points
    has_parent = here is not None and here.parent != here and allowed.holds(here.parent)
    return FolderPage(
        here=describe_folder(here, allowed.name_of(here)) if here else None,
        parent=allowed.name_of(here.parent) if here and has_parent else None,
        folders=[describe_folder(folder, allowed.name_of(folder)) for folder in found[offset : offset + limit]],
        total=len(found),
    )
