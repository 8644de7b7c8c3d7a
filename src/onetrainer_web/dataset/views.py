"""Which view each variation of a picture gets: training and previews ask here, so that they draw the same.

A view depends on the seed, the concept's seed, the picture's name in its folder and the number of the variation.
"""

import random
from dataclasses import dataclass, field, replace

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.families import facts
from onetrainer_web.config.text import whole_number
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import (
    DATA_SEED,
    Box,
    Clip,
    PictureView,
    Window,
    centred_view,
    chance_for,
    choose_view,
    choose_window,
    masked_box,
)
from onetrainer_web.dataset.buckets import Target, lowest_side, parse_resolution, training_size
from onetrainer_web.dataset.scan import Picture, is_video
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, read_size
from onetrainer_web.errors import InvalidConfigError


@dataclass(frozen=True, slots=True)
class ClipLength:
    """How much of a video a video model trains on at once."""

    num_frames: int
    frames_per_second: int

    @classmethod
    def of(cls, config: TrainConfig) -> "ClipLength | None":
        """That of a configuration: as many of its frames as the model takes. None for a model of pictures.

        Raises:
            InvalidConfigError: The number of frames is none.
        """
        known = facts(config.model_type)
        if not known.is_video:
            return None
        frames = whole_number(config.frames)
        if not frames:
            raise InvalidConfigError(f"frames is {config.frames[:40]!r}; write one whole number from 1 on, such as 25.")
        whole = (frames - 1) // known.frame_multiple * known.frame_multiple
        return cls(whole + 1, known.frames_per_second)


@dataclass(frozen=True, slots=True)
class SizedPicture:
    """A picture or video whose header could be read."""

    file: Picture
    size: Size
    masked: Box | None = field(default=None, kw_only=True)
    """What its mask shows, where the concept cuts pictures down to that."""
    num_frames: int | None = field(default=None, kw_only=True)
    """Of a video, at the speed of the clips; None for a picture."""


def read_sized(file: Picture, clip: ClipLength | None, *, cuts_to_masks: bool) -> SizedPicture:
    """Read what views depend on.

    Args:
        file: A picture, or a video for a model of videos.
        clip: How much of a video is trained on at once.
        cuts_to_masks: Whether the concept cuts its pictures down to what their masks show.

    Raises:
        UnreadablePictureError: It or its mask cannot be read, or it is a video too short for a clip.
    """
    num_frames = None
    if clip and is_video(file.path):
        from onetrainer_web.dataset.videos import read_video  # PyAV only where there are videos

        size, num_frames = read_video(file.path, clip.frames_per_second)
        if num_frames < clip.num_frames:
            has = f"has {num_frames} frames at {clip.frames_per_second} a second"
            raise UnreadablePictureError(file.path, f"{has}; {clip.num_frames} are trained at once")
    else:
        size = read_size(file.path)
    return SizedPicture(file, size, masked=masked_box(file, size) if cuts_to_masks else None, num_frames=num_frames)


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What the views need of a configuration."""

    targets: tuple[Target, ...]
    multiple: int
    """Every side is a multiple of this many pixels; the model family says how many."""
    is_bucketed: bool
    unmasked_probability: float = 0.0
    """Share of the samples of which an inpainting model is to draw everything."""
    clip: ClipLength | None = None
    seed: int = DATA_SEED

    @classmethod
    def of(cls, config: TrainConfig, multiple: int) -> "ViewOptions":
        """Take them from a configuration.

        Raises:
            InvalidConfigError: The resolution or the number of frames is not understood.
        """
        return cls(
            targets=parse_resolution(config.resolution),
            multiple=multiple,
            is_bucketed=config.aspect_ratio_bucketing,
            unmasked_probability=config.unmasked_probability if facts(config.model_type).has_mask_input else 0.0,
            clip=ClipLength.of(config),
        )


class Views:
    """Draws the views of a concept's pictures.

    Raises:
        InvalidConfigError: The concept's own resolution is not understood.
    """

    def __init__(self, concept: ConceptConfig, options: ViewOptions) -> None:
        self._concept = concept
        self._options = options
        own = concept.image.resolution_override if concept.image.enable_resolution_override else None
        self.targets = options.targets if own is None else parse_resolution(own)

    def draw(self, picture: SizedPicture, variation: int) -> PictureView:
        """A variation, counted from 0."""
        window = self._window(picture, variation)
        view = choose_view(
            window.size if window else picture.size,
            self.draw_size(picture, variation),
            self._concept.image,
            self._chance("picture", picture, variation),
            self._options.unmasked_probability,
        )
        return replace(view, window=window, clip=self._clip(picture, variation))

    def draw_size(self, picture: SizedPicture, variation: int) -> Size:
        """The size of that view, without drawing the rest."""
        target = self.targets[0]
        if len(self.targets) > 1:
            target = self._chance("resolution", picture, variation).choice(self.targets)
        window = self._window(picture, variation)
        return self._size_at(target, window.size if window else picture.size)

    def middle(self, picture: SizedPicture) -> PictureView:
        """At the first target, cropped in the middle and not varied; of a video the frames in the middle."""
        view, length = centred_view(picture.size, self._size_at(self.targets[0], picture.size)), self._options.clip
        if picture.num_frames is None or length is None:
            return view
        first = (picture.num_frames - length.num_frames) // 2
        return replace(view, clip=Clip(first, length.num_frames, length.frames_per_second))

    def _size_at(self, target: Target, size: Size) -> Size:
        return training_size(size, target, self._options.multiple, is_bucketed=self._options.is_bucketed)

    def _window(self, picture: SizedPicture, variation: int) -> Window | None:
        """The part of a picture around its mask that is used as if it were the picture."""
        if picture.masked is None:
            return None
        chance = self._chance("mask crop", picture, variation)
        return choose_window(picture.size, picture.masked, lowest_side(self.targets), chance)

    def _clip(self, picture: SizedPicture, variation: int) -> Clip | None:
        """Frames from a random place of a video."""
        num_frames, length = picture.num_frames, self._options.clip
        if num_frames is None or length is None:
            return None
        first = self._chance("clip", picture, variation).randrange(num_frames - length.num_frames + 1)
        return Clip(first, length.num_frames, length.frames_per_second)

    def _chance(self, purpose: str, picture: SizedPicture, variation: int) -> random.Random:
        concept_seed, seed = self._concept.seed, self._options.seed
        return chance_for(purpose, picture.file.name, variation, concept_seed=concept_seed, seed=seed)
