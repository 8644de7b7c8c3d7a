"""What a trainer can be doing, and which of it recurs besides the steps, by which settings.

One table for the checks, the engine and the bridge. The bridge reads it in OneTrainer's Python, so that nothing is
imported here that a bare Python 3.10 lacks.
"""

from dataclasses import dataclass
from enum import Enum


class Doing(str, Enum):
    """What a trainer is doing; how long a training will take is told from those that alternate in it."""

    STARTING = "starting"
    IMPORTING = "importing"
    LOADING = "loading"
    READING_PICTURES = "reading_pictures"
    CHECKING_PICTURES = "checking_pictures"
    COMPARING_CACHE = "comparing_cache"
    ENCODING_PICTURES = "encoding_pictures"
    ENCODING_PROMPTS = "encoding_prompts"
    CACHING = "caching"
    TRAINING = "training"
    SAMPLING = "sampling"
    DENOISING = "denoising"
    VALIDATING = "validating"
    BACKING_UP = "backing_up"
    SAVING = "saving"
    WAITING_FOR_SAMPLES = "waiting_for_samples"
    WAITING_FOR_DEVICE = "waiting_for_device"
    UNHEARD = "unheard"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Doing | None":
        """Journals from before told of it in these words."""
        return next((doing for doing, words in WORDS.items() if words == value), None)


WORDS = {
    Doing.STARTING: "starting",
    Doing.IMPORTING: "importing libraries",
    Doing.LOADING: "loading the model",
    Doing.READING_PICTURES: "reading pictures",
    Doing.CHECKING_PICTURES: "checking pictures",
    Doing.COMPARING_CACHE: "comparing pictures with the cache",
    Doing.ENCODING_PICTURES: "encoding pictures",
    Doing.ENCODING_PROMPTS: "encoding prompts",
    Doing.CACHING: "caching",
    Doing.TRAINING: "training",
    Doing.SAMPLING: "drawing samples",
    Doing.DENOISING: "drawing a sample",
    Doing.VALIDATING: "measuring the validation loss",
    Doing.BACKING_UP: "writing a backup",
    Doing.SAVING: "saving the model",
    Doing.WAITING_FOR_SAMPLES: "waiting for samples to draw",
    Doing.WAITING_FOR_DEVICE: "waiting for {text}",
    Doing.UNHEARD: "at work, but cannot tell of it: {text}",
    Doing.OTHER: "{text}",
}
"""How the shell and the log say it; the page has words of its own."""


@dataclass(frozen=True)
class RecurringKeys:
    """The settings that say when some work is done."""

    name: str
    doing: Doing
    every: str
    unit: str
    """Of `every` and of `skip`."""
    from_start: bool
    """Whether it is done in front of the first step, too."""
    skip: str = ""
    """How much of the run goes by before the first time."""


RECURRING_WORK = (
    RecurringKeys(
        "sample", Doing.SAMPLING, "sample_after", "sample_after_unit", from_start=True, skip="sample_skip_first"
    ),
    RecurringKeys("validate", Doing.VALIDATING, "validate_after", "validate_after_unit", from_start=True),
    RecurringKeys("backup", Doing.BACKING_UP, "backup_after", "backup_after_unit", from_start=False),
    RecurringKeys("save", Doing.SAVING, "save_every", "save_every_unit", from_start=False, skip="save_skip_first"),
)
"""In the order in which it is done."""
