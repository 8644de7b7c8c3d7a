"""What training makes of a concept's pictures: its crops and variations, drawn and rendered by the same code."""

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import chance_for, choose_view, render
from onetrainer_web.dataset.buckets import parse_resolution, training_size
from onetrainer_web.dataset.scan import Picture, scan_concept
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, load_picture

SIDE_PX = 320
"""Of a rendered variation, at most: it is looked at, not trained on."""
QUALITY = 85


class PicturePreview(BaseModel):
    """A picture and what training makes of it."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Path within the concept's folder.")
    width: int = Field(description="Width at which it trains, in pixels; 0 when it cannot be read.")
    height: int = Field(description="Height at which it trains, in pixels; 0 when it cannot be read.")
    variations: list[str] = Field(description="Its first variations, small, as data: addresses of WebP pictures.")
    problem: str | None = Field(description='Why it cannot train, such as "is cut off"; null when it can.')


class ConceptPreview(BaseModel):
    """Some pictures of a concept as training sees them."""

    model_config = ConfigDict(frozen=True)

    pictures: list[PicturePreview] = Field(description="By name.")
    total: int = Field(ge=0, description="Pictures on all pages.")
    trained_variations: int | None = Field(
        description="How many variations of a picture train; null when every epoch draws new ones."
    )


def preview_concept(
    config: TrainConfig, concept: ConceptConfig, folder: Path, *, offset: int, limit: int, num_variations: int
) -> ConceptPreview:
    """Render the first variations of some pictures of a concept.

    Args:
        config: What the concept is to be trained with.
        concept: One of its concepts.
        folder: Where that concept's pictures are.
        offset: Pictures to pass over.
        limit: Pictures at most.
        num_variations: Of each picture.

    Raises:
        ConceptFolderNotFoundError: There is no such folder.
        InvalidConfigError: The resolution is not understood.
    """
    found = scan_concept(concept, folder).pictures
    return ConceptPreview(
        pictures=[_preview(config, concept, one, num_variations) for one in found[offset : offset + limit]],
        total=len(found),
        trained_variations=concept.image_variations if config.latent_caching else None,
    )


def _preview(config: TrainConfig, concept: ConceptConfig, picture: Picture, num_variations: int) -> PicturePreview:
    try:
        image = load_picture(picture.path)
    except UnreadablePictureError as error:
        return PicturePreview(name=picture.name, width=0, height=0, variations=[], problem=error.reason)
    override = concept.image.resolution_override if concept.image.enable_resolution_override else config.resolution
    # Of several resolutions the first; which one a variation trains at is drawn anew each time.
    target = training_size(
        Size(image.width, image.height),
        parse_resolution(override)[0],
        facts(config.model_type).bucket_multiple,
        is_bucketed=config.aspect_ratio_bucketing,
    )
    variations: list[str] = []
    for number in range(num_variations):
        chance = chance_for("picture", picture.name, number, concept_seed=concept.seed)
        view = choose_view(Size(image.width, image.height), target, concept.image, chance)
        variations.append(_as_address(render(image, view)))
    return PicturePreview(
        name=picture.name, width=target.width, height=target.height, variations=variations, problem=None
    )


def _as_address(image: Image.Image) -> str:
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
