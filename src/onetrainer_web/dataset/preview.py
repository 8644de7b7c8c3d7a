"""What training makes of a concept's pictures: its crops and variations, drawn and rendered by the same code.

Of a video one frame is shown, and of a mask what moves with its picture, before a random circle is cut out of it.
"""

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import Clip, PictureView, fitted, place, reads_masks, render
from onetrainer_web.dataset.decoding import MAX_DECODING_BYTES, ROOM
from onetrainer_web.dataset.scan import Picture, is_video, page_of_concept
from onetrainer_web.dataset.sizes import (
    UnreadablePictureError,
    load_mask,
    load_picture,
    needed_bytes,
)
from onetrainer_web.dataset.views import SizedPicture, ViewOptions, Views, read_sized
from onetrainer_web.errors import TrainerNotInstalledError
from onetrainer_web.files.confined import MayRead

SIDE_PX = 320
"""Of a rendered variation, at most: it is looked at, not trained on."""
QUALITY = 85


class VariationPreview(BaseModel):
    """One variation of a picture."""

    model_config = ConfigDict(frozen=True)

    picture: str = Field(description="Small, as the data: address of a WebP; of a video the middle of the clip.")
    mask: str | None = Field(description="Its mask, as an address of the same kind; null when none counts.")
    width: int = Field(description="Width at which it trains, in pixels.")
    height: int = Field(description="Height at which it trains, in pixels.")


class PicturePreview(BaseModel):
    """A picture or video and what training makes of it."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Path within the concept's folder.")
    is_video: bool = Field(description="Whether it is a video.")
    variations: list[VariationPreview] = Field(description="Its first variations.")
    problem: str | None = Field(description='Why it cannot train, such as "is cut off"; null when it can.')


class ConceptPreview(BaseModel):
    """Some pictures of a concept as training sees them; videos too, behind them, for a model of videos."""

    model_config = ConfigDict(frozen=True)

    pictures: list[PicturePreview] = Field(description="By name.")
    total: int = Field(ge=0, description="Pictures on all pages.")
    trained_variations: int | None = Field(
        description="How many variations of a picture train; null when every epoch draws new ones."
    )


def preview_concept(
    config: TrainConfig,
    concept: ConceptConfig,
    folder: Path,
    *,
    page: slice,
    num_variations: int,
    may_read: MayRead | None = None,
) -> ConceptPreview:
    """Render the first variations of some pictures of a concept.

    Args:
        config: What the concept is to be trained with.
        concept: One of its concepts.
        folder: Where that concept's pictures are.
        page: Which of its pictures.
        num_variations: Of each picture.
        may_read: As for `scan_concept`.

    Raises:
        ConceptFolderNotFoundError: There is no such folder.
        InvalidConfigError: The resolution or the number of frames is not understood.
        TrainerNotInstalledError: There are videos, and what reads those comes with the trainer.
    """
    options = ViewOptions.of(config, facts(config.model_type).bucket_multiple)
    found, total = page_of_concept(concept, folder, page, with_videos=bool(options.clip), may_read=may_read)
    previewer = _Previewer(config, concept, options)
    return ConceptPreview(
        pictures=[previewer.preview(one, num_variations) for one in found],
        total=total,
        trained_variations=concept.image_variations if config.latent_caching else None,
    )


class _Previewer:
    def __init__(self, config: TrainConfig, concept: ConceptConfig, options: ViewOptions) -> None:
        self._clip = options.clip
        self._views = Views(concept, options)
        self._reads_masks = reads_masks(config)
        self._cuts_to_masks = self._reads_masks and concept.image.enable_random_mask_rotate_crop

    def preview(self, file: Picture, num_variations: int) -> PicturePreview:
        variations: list[VariationPreview] = []
        problem = None
        try:
            with ROOM.taken(self._needed_bytes(file)):
                variations = self._variations(file, num_variations)
        except UnreadablePictureError as error:
            problem = error.reason
        return PicturePreview(name=file.name, is_video=is_video(file.path), variations=variations, problem=problem)

    def _variations(self, file: Picture, num_variations: int) -> list[VariationPreview]:
        sized = self._read(file)
        views = [self._views.draw(sized, number) for number in range(num_variations)]
        mask = None
        if self._reads_masks and file.mask_path:
            mask = load_mask(file.path, file.mask_path)  # before the picture, which takes more memory
        whole = load_picture(file.path) if sized.num_frames is None else None
        return [_render(whole or _load_frame(file.path, view.clip), mask, view) for view in views]

    def _needed_bytes(self, file: Picture) -> int:
        """For a picture, and as much again for what is cut out of it."""
        if is_video(file.path) or (self._reads_masks and file.mask_path):
            return MAX_DECODING_BYTES
        return min(2 * needed_bytes(file.path), MAX_DECODING_BYTES)

    def _read(self, file: Picture) -> SizedPicture:
        try:
            return read_sized(file, self._clip, cuts_to_masks=self._cuts_to_masks)
        except ImportError as error:
            raise TrainerNotInstalledError from error


def _render(picture: Image.Image, mask: Image.Image | None, view: PictureView) -> VariationPreview:
    is_masked = mask is not None and not (view.mask and view.mask.is_white)
    return VariationPreview(
        picture=_as_address(render(picture, view)),
        mask=_as_address(place(fitted(mask, picture), view)) if mask and is_masked else None,
        width=view.target.width,
        height=view.target.height,
    )


def _load_frame(path: Path, clip: Clip | None) -> Image.Image:
    """The one in the middle of a clip."""
    from onetrainer_web.dataset.videos import load_frames  # PyAV only where there are videos

    assert clip, "every view of a video has one"
    return load_frames(path, clip.first + clip.num_frames // 2, 1, clip.frames_per_second)[0]


def _as_address(image: Image.Image) -> str:
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
