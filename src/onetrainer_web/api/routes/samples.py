"""Sample pictures: asking for them, and those that exist."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import (
    AllowedPathsDependency,
    ConfigStoreDependency,
    ServiceDependency,
    WorkspaceDependency,
)
from onetrainer_web.api.pictures import PICTURE_ANSWERS, ThumbnailSize, picture_response
from onetrainer_web.api.requests import Number, WholeNumber
from onetrainer_web.api.routing import NOT_FOUND, NOT_INSTALLED, Answer, new_router
from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.config.families import sample_defaults
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.runs.errors import SampleNotFoundError
from onetrainer_web.runs.views import SamplePage, SampleView

router = new_router("/api/samples", "samples")

LARGEST_SEED = 2**32 - 1

SampleId = Annotated[
    str, Path(description="Such as sample_001.", max_length=100, pattern=r"^[\w-]+$", examples=["sample_001"])
]


class CustomSampleRequest(BaseModel):
    """One picture to draw; what is left out has the default of the current configuration's model type."""

    prompt: str = Field(max_length=10_000, description="What to draw.", examples=["a red circle on a blue background"])
    negative_prompt: str = Field(default="", max_length=10_000, description="What to keep out of the picture.")
    seed: WholeNumber = Field(
        default=42, ge=-1, le=LARGEST_SEED, description="Same seed, same picture; -1 draws a new one."
    )
    steps: WholeNumber | None = Field(default=None, ge=1, le=1000, description="Denoising steps.")
    cfg_scale: Number | None = Field(
        default=None, ge=0, le=100, description="How strictly the prompt is followed; 1 switches guidance off."
    )
    width: WholeNumber | None = Field(default=None, ge=8, le=8192, description="Pixels.")
    height: WholeNumber | None = Field(default=None, ge=8, le=8192, description="Pixels.")

    def settings(self, model_type: str) -> dict[str, Any]:
        """The request in the configuration's words."""
        given = self.model_dump(exclude={"seed", "steps"}, exclude_none=True)
        if self.steps is not None:
            given["diffusion_steps"] = self.steps
        seed = {"random_seed": True} if self.seed == -1 else {"seed": self.seed}
        return {**sample_defaults(model_type), **given, **seed}


class LatestSamples(BaseModel):
    """The newest samples."""

    samples: list[SampleView] = Field(description="Newest first.")


@router.post("/default", responses=NOT_INSTALLED)
def request_default_samples(service: ServiceDependency, store: ConfigStoreDependency) -> Answer:
    """Draw the configuration's own samples: of the training that runs, else of the current configuration's model."""
    service.request_samples(None, _model_to_draw_with(store))
    return Answer(message="Default sample generation requested")


@router.post("/custom", responses=NOT_INSTALLED)
def request_custom_sample(
    service: ServiceDependency, store: ConfigStoreDependency, request: CustomSampleRequest
) -> Answer:
    """Draw one picture with the model that trains, else with the current configuration's model."""
    config = _model_to_draw_with(store)
    service.request_samples([request.settings(config.model_type)], config)
    return Answer(message="Custom sample generation requested")


@router.get("/list")
def list_samples(
    service: ServiceDependency,
    run_id: Annotated[str | None, Query(description="Only samples of this run.")] = None,
    order: Annotated[Literal["oldest", "newest"], Query(description="Which come first.")] = "oldest",
    offset: Annotated[int, Query(ge=0, le=2**53, description="Samples to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Samples to give at most.")] = 1000,
) -> SamplePage:
    """The samples of the workspace; `total` says how many there are beyond this page."""
    return service.outputs.samples(run_id=run_id, offset=offset, limit=limit, oldest_first=order == "oldest")


@router.get("/latest")
def list_latest_samples(
    service: ServiceDependency,
    count: Annotated[int, Query(ge=1, le=1000, description="Samples to give at most.")] = 10,
    of_each_run: Annotated[bool, Query(description="Only the newest one of each run.")] = False,
) -> LatestSamples:
    """The newest samples, newest first."""
    outputs = service.outputs
    return LatestSamples(samples=outputs.newest_samples(count) if of_each_run else outputs.samples(limit=count).samples)


@router.get("/{sample_id}", responses=NOT_FOUND)
def get_sample(service: ServiceDependency, sample_id: SampleId) -> SampleView:
    """One sample."""
    return service.outputs.sample(sample_id)


@router.get(
    "/{sample_id}/image",
    response_class=Response,
    responses=NOT_FOUND | PICTURE_ANSWERS,
)
def get_sample_image(
    request: Request,
    service: ServiceDependency,
    workspace: WorkspaceDependency,
    allowed: AllowedPathsDependency,
    sample_id: SampleId,
    thumbnail: ThumbnailSize = None,
) -> Response:
    """The picture itself, or a small one."""
    path = service.outputs.sample_file(sample_id)
    if not allowed.holds(path):
        raise SampleNotFoundError(sample_id)
    return picture_response(request, path, (workspace.thumbnails, thumbnail))


def _model_to_draw_with(store: ConfigStore) -> TrainConfig:
    config = store.current_config()
    store.check_paths(config_to_dict(config))
    return config
