"""Model files on the server's machine: what they are and where they go."""

from typing import Annotated

from fastapi import Query

from onetrainer_web.api.dependencies import AllowedPathsDependency
from onetrainer_web.api.routing import NOT_FOUND, new_router
from onetrainer_web.model_files.describe import describe
from onetrainer_web.model_files.views import ModelInfo

router = new_router("/api/models", "models")


@router.get("/info", responses=NOT_FOUND)
def get_model_info(
    allowed: AllowedPathsDependency,
    path: Annotated[
        str,
        Query(
            min_length=1,
            max_length=4096,
            pattern=r"^[^\x00]*$",
            description="A model file or the folder of a model; relative to the workspace: runs/ID/save/NAME.",
        ),
    ],
    name: Annotated[
        str, Query(max_length=255, pattern=r"^[^\x00]*$", description="Name that it has elsewhere, for the prompts.")
    ] = "",
) -> ModelInfo:
    """What a model file is, as far as its header tells, and where it goes in each program."""
    return describe(allowed.resolve(path), name, may_read=allowed.holds)
