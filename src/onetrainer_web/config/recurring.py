"""What a training does again and again besides its steps, and which settings say when.

One table for the checks, the engine and the bridge. The bridge reads it in OneTrainer's Python, so that nothing is
imported here that a bare Python 3.10 lacks.
"""

from dataclasses import dataclass

TRAINING = "training"
SAMPLING = "drawing samples"
VALIDATING = "measuring the validation loss"
BACKING_UP = "writing a backup"
SAVING = "saving the model"
"""The activities that alternate in a training; how long it will take is told from them."""


@dataclass(frozen=True)
class RecurringKeys:
    """The settings that say when some work is done."""

    name: str
    activity: str
    """What a trainer says while it does it."""
    every: str
    unit: str
    """Of `every` and of `skip`."""
    from_start: bool
    """Whether it is done in front of the first step, too."""
    skip: str = ""
    """How much of the run goes by before the first time."""


RECURRING_WORK = (
    RecurringKeys("sample", SAMPLING, "sample_after", "sample_after_unit", from_start=True, skip="sample_skip_first"),
    RecurringKeys("validate", VALIDATING, "validate_after", "validate_after_unit", from_start=True),
    RecurringKeys("backup", BACKING_UP, "backup_after", "backup_after_unit", from_start=False),
    RecurringKeys("save", SAVING, "save_every", "save_every_unit", from_start=False, skip="save_skip_first"),
)
"""In the order in which it is done."""
