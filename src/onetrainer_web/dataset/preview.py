"""What training makes of a concept's pictures: its crops and variations, drawn and rendered by the same code.

Masks count where a variation is cut out around them; they themselves, and videos, are not shown.
"""

import base64
import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import (
    Box,
    PictureView,
    chance_for,
    choose_view,
    choose_window,
    masked_box,
    reads_masks,
    render,
)
from onetrainer_web.dataset.buckets import lowest_side, parse_resolution, training_size
from onetrainer_web.dataset.scan import Picture, scan_concept
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, load_picture

SIDE_PX = 320
"""Of a rendered variation, at most: it is looked at, not trained on."""
QUALITY = 85


class PicturePreview(BaseModel):
    """A picture and what training makes of it."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Path within the concept's folder.")
    width: int = Field(description="Width at which its first variation trains, in pixels; 0 when it cannot be read.")
    height: int = Field(description="Height at which its first variation trains, in pixels; 0 when it cannot be read.")
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
    cuts_to_mask = reads_masks(config) and concept.image.enable_random_mask_rotate_crop
    try:
        image = load_picture(picture.path)
        masked = masked_box(picture, Size(*image.size)) if cuts_to_mask else None
    except UnreadablePictureError as error:
        return PicturePreview(name=picture.name, width=0, height=0, variations=[], problem=error.reason)
    views = [
        _view(config, concept, picture.name, Size(*image.size), masked, number) for number in range(num_variations)
    ]
    return PicturePreview(
        name=picture.name,
        width=views[0].target.width,
        height=views[0].target.height,
        variations=[_as_address(render(image, view)) for view in views],
        problem=None,
    )


def _view(
    config: TrainConfig, concept: ConceptConfig, name: str, size: Size, masked: Box | None, number: int
) -> PictureView:
    """One variation of a picture, as the trainer's plan draws it."""

    def chance(purpose: str) -> random.Random:
        return chance_for(purpose, name, number, concept_seed=concept.seed)

    override = concept.image.resolution_override if concept.image.enable_resolution_override else config.resolution
    targets = parse_resolution(override)
    window = choose_window(size, masked, lowest_side(targets), chance("mask crop")) if masked else None
    used = window.size if window else size
    # Of several resolutions the first; which one a variation trains at is drawn anew each time.
    multiple = facts(config.model_type).bucket_multiple
    target = training_size(used, targets[0], multiple, is_bucketed=config.aspect_ratio_bucketing)
    return replace(choose_view(used, target, concept.image, chance("picture")), window=window)


def _as_address(image: Image.Image) -> str:
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
