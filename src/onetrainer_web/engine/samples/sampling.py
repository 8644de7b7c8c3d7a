"""Drawing sample pictures between steps: which ones, into which files, and what is told about them."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import Image

from onetrainer_web.config.enums import ImageFormat
from onetrainer_web.config.families import facts, sample_defaults
from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.sizes import load_picture
from onetrainer_web.engine.runtime.paths import RunPaths, safe_prompt
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.engine.samples.drawing import draw
from onetrainer_web.engine.seams.interfaces import DrawRequest, Family, Model
from onetrainer_web.engine.weights.files import replacing
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.json_files import load_json
from onetrainer_web.files.shortages import reason_of
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.commands import Sample
from onetrainer_web.protocol.events import Event, Progress, SampleDrawn, SampleKind, SampleProgress, SamplesDone

log = logging.getLogger("onetrainer_web.engine")

NO_EMA = " - no-ema"
JPEG_QUALITY = 95
_MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Sheet:
    """One round of samples: its settings by their place in the list, and where they go."""

    kind: SampleKind
    samples: Sequence[tuple[int, SampleConfig]]
    postfix: str = ""
    """Added to the names of the folders."""


@dataclass(frozen=True)
class _Share:
    """What one rank has drawn of a round."""

    num_drawn: int
    is_stopped: bool
    """Whether the round was broken off."""
    told: Sequence[Event]
    """What it could not write to the journal itself."""


class Sampler:
    """Draws rounds of samples from one model, `model`."""

    def __init__(self, family: Family, model: Model, run: Run) -> None:
        self._family = family
        self.model = model
        self._run = run

    def sheet_of(self, command: Sample) -> Sheet:
        """What a command asks for; nothing, with a warning, when its settings are not understood."""
        config, paths = self._run.config, self._run.paths
        try:
            if command.samples is None:
                return Sheet("default", _default_samples(config, paths))
            return Sheet("custom", list(enumerate(_parse_samples(command.samples, config))))
        except (ValueError, InvalidConfigError) as error:
            self._run.reporter.warn(f"The samples that were asked for are not understood: {error}")
            return Sheet("custom", [])

    def draw(self, sheet: Sheet, progress: Progress) -> None:
        """Draw a round. A sample that fails is reported and passed over.

        Raises:
            StopRequested: The run was told to stop; what was drawn until then is kept.
        """
        reporter, ranks = self._run.reporter, self._run.ranks
        total = len(sheet.samples)
        if not total:
            return
        reporter.activity(Doing.SAMPLING)
        shares = ranks.of_each("samples", lambda: self._draw_share(sheet, progress))
        for event in chain.from_iterable(share.told for share in shares):
            reporter.write(event)
        num_drawn, is_stopped = sum(share.num_drawn for share in shares), any(share.is_stopped for share in shares)
        if not is_stopped:
            reporter.write(SampleProgress(kind=sheet.kind, current=total, total=total))
        reporter.write(SamplesDone(kind=sheet.kind, sample_count=num_drawn))
        if is_stopped:
            raise StopRequested
        log.info("Drew %d of %d samples at step %d", num_drawn, total, progress.global_step)

    def _draw_share(self, sheet: Sheet, progress: Progress) -> _Share:
        """Draw what this rank draws of a round; what it tells reaches the journal by the first one."""
        reporter, total = self._run.reporter, len(sheet.samples)
        reporter.take_told()
        num_drawn, is_stopped = 0, False
        try:
            for number, (index, settings) in self._own(list(enumerate(sheet.samples))):
                reporter.write(SampleProgress(kind=sheet.kind, current=number, total=total))
                num_drawn += self._try_to_draw(sheet, index, settings, progress)
        except StopRequested:
            is_stopped = True
        return _Share(num_drawn, is_stopped, reporter.take_told())

    def _own(
        self, samples: list[tuple[int, tuple[int, SampleConfig]]]
    ) -> Sequence[tuple[int, tuple[int, SampleConfig]]]:
        """What this rank draws: the first one draws all that goes to TensorBoard, whose file it has."""
        ranks = self._run.ranks
        if not self._run.config.samples_to_tensorboard:
            return ranks.share(samples)
        return samples if ranks.is_first else []

    def _try_to_draw(self, sheet: Sheet, index: int, settings: SampleConfig, progress: Progress) -> bool:
        try:
            self._draw_one(sheet, index, settings, progress)
        except StopRequested:
            raise
        except Exception as error:  # whatever a sample's settings do, the training must not die of it
            log.debug("The sample failed", exc_info=error)
            reason = reason_of(error, self._run.paths.samples)
            self._run.reporter.warn(f"Sample {index} ({settings.prompt[:60]!r}) could not be drawn: {reason}.")
            return False
        return True

    def _draw_one(self, sheet: Sheet, index: int, settings: SampleConfig, progress: Progress) -> None:
        run = self._run
        settings = self._as_drawn(settings)
        base, mask = pictures_of(settings, self._run.paths.workspace.resolve)
        request = DrawRequest(settings, settings.seed, lambda *_: run.control.raise_if_stopped(), base, mask)
        drawn = draw(self._family, self.model, request)
        name = "custom" if sheet.kind == "custom" else f"{index} - {safe_prompt(settings.prompt)}"
        path = run.paths.sample(f"{name}{sheet.postfix}".rstrip(" -"), progress, self._suffix(drawn))
        run.paths.samples.mkdir(exist_ok=True)
        with replacing(path, run.folder.run_id) as making:
            if isinstance(drawn, list):
                from onetrainer_web.dataset.videos import write_video  # PyAV only where there are videos

                write_video(drawn, making, facts(run.config.model_type).frames_per_second)
            else:
                write_picture(drawn, making, run.config.sample_image_format)
        if run.config.samples_to_tensorboard and sheet.kind == "default":
            picture = drawn[0] if isinstance(drawn, list) else drawn
            run.reporter.picture(f"sample{index} - {safe_prompt(settings.prompt)}{sheet.postfix}", picture, progress)
        run.reporter.write(
            SampleDrawn(
                kind=sheet.kind,
                path=run.folder.inside(path),
                index=index,
                progress=progress,
                settings=settings.model_dump(mode="json"),
            )
        )

    def _suffix(self, drawn: Image.Image | list[Image.Image]) -> str:
        return ".mp4" if isinstance(drawn, list) else f".{self._run.config.sample_image_format.value.lower()}"

    def _as_drawn(self, settings: SampleConfig) -> SampleConfig:
        """The settings with a size that the model can draw and the seed that is really used."""
        multiple = facts(self._run.config.model_type).sample_multiple
        changes: dict[str, object] = {
            "width": max(multiple, round(settings.width / multiple) * multiple),
            "height": max(multiple, round(settings.height / multiple) * multiple),
        }
        if settings.random_seed:
            changes["seed"] = random.randrange(_MAX_SEED)
        if self._run.config.rescale_noise_scheduler_to_zero_terminal_snr:
            changes["force_last_timestep"] = True
        return settings.model_copy(update=changes)


def pictures_of(
    settings: SampleConfig, resolve: Callable[[str], Path]
) -> tuple[Image.Image | None, Image.Image | None]:
    """What an inpainting model draws into, and where: of that picture, what is transparent is not drawn into.

    Raises:
        UnreadablePictureError: One of them cannot be read.
    """
    if not settings.sample_inpainting:
        return None, None
    base, mask = settings.base_image_path, settings.mask_image_path
    return (
        load_picture(resolve(base)) if base else None,
        load_picture(resolve(mask), behind="black") if mask else None,
    )


def _default_samples(config: TrainConfig, paths: RunPaths) -> list[tuple[int, SampleConfig]]:
    """The configuration's enabled samples by their place in its list; none when their file is missing."""
    samples = config.samples
    if samples is None:
        path = paths.workspace.resolve(config.sample_definition_file_name)
        samples = _parse_samples(load_json(path), config) if path.is_file() else []
    return [(index, sample) for index, sample in enumerate(samples) if sample.enabled]


def _parse_samples(given: Sequence[dict[str, object]], config: TrainConfig) -> list[SampleConfig]:
    """Sample settings from JSON objects that may leave out what the model type has defaults for."""
    defaults = dict(sample_defaults(config.model_type))
    known = [{key: value for key, value in sample.items() if key != "__version"} for sample in given]
    return [SampleConfig.model_validate({**defaults, **sample}) for sample in known]


def write_picture(picture: Image.Image, path: Path, image_format: ImageFormat) -> None:
    """Write a sample picture."""
    if image_format is ImageFormat.JPG:
        picture.save(path, "JPEG", quality=JPEG_QUALITY)
    else:
        picture.save(path, "PNG")
