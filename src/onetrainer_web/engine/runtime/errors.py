"""What can keep a run from going on: the leaves of the error tree that only the trainer raises."""

from collections.abc import Iterable
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.errors import InvalidConfigError, OneTrainerWebError


class UnsupportedSettingError(InvalidConfigError):
    """The configuration asks for something that this trainer cannot do."""

    def __init__(self, key: str, value: object, choices: Iterable[object] = ()) -> None:
        known = ", ".join(str(choice) for choice in choices)
        instead = f" It can do: {known}." if known else " Leave it at its default."
        super().__init__(f"This trainer cannot do {key} = {value}.{instead}")
        self.key = key
        self.value = value


class PicturesInMotionError(OneTrainerWebError):
    """The processes of a run have found different pictures."""

    def __init__(self) -> None:
        super().__init__("The pictures were changed while the run started. Start it again when they stay as they are.")


class FailedElsewhereError(OneTrainerWebError):
    """Another process of the run cannot go on; its sentence stands in for it here."""


class RanksLostError(OneTrainerWebError):
    """Another process of the run does not answer any more; who started both knows why."""


class RanksApartError(OneTrainerWebError):
    """A mistake of this program: its processes do different things where they have to do the same."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"The processes of the run have lost each other at {place!r}, which must not happen. Report this with the "
            "log, and resume the run to go on from its last backup."
        )


class InvalidSettingError(InvalidConfigError):
    """What is looked at before a run starts has found that it cannot."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.message)
        self.key = issue.path


class LibraryMissingError(OneTrainerWebError):
    """An optimizer comes with a library that is not installed."""

    def __init__(self, optimizer: str, package: str) -> None:
        super().__init__(
            f"The optimizer {optimizer} needs the package {package}. "
            f"Run `pip install {package}`, or choose another optimizer."
        )
        self.package = package


class OptimizerSettingsError(InvalidConfigError):
    """An optimizer's library refuses its settings."""

    def __init__(self, optimizer: str, error: Exception) -> None:
        super().__init__(f"The optimizer {optimizer} does not accept its settings: {error} Correct them.")


class ScheduleSettingsError(InvalidConfigError):
    """A schedule of torch refuses its parameters."""

    def __init__(self, schedule: str, error: Exception) -> None:
        super().__init__(
            f"The schedule {schedule} does not accept its parameters: {error}. Correct scheduler_params; values are "
            "numbers, lists and words as Python writes them."
        )


class ModelNotFoundError(OneTrainerWebError):
    """The base model is neither a file, nor a folder, nor in the Hugging Face cache or on the hub."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The model {name!r} cannot be loaded: {reason}")
        self.name = name


class WrongWeightsError(OneTrainerWebError):
    """A weight file holds something else than what is needed."""

    def __init__(self, path: Path | str, found: str, expected: str) -> None:
        super().__init__(f"{path} holds {found}, but {expected} is needed.")
        self.path = path


class WrongAdapterError(OneTrainerWebError):
    """An adapter file does not fit the configuration."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} {problem}.")
        self.path = path


class PickleRefusedError(OneTrainerWebError):
    """A model file is a pickle, which can bring programs along."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is a pickle, which can bring programs along. Use a .safetensors file of the model, or let whoever "
            "runs the server set ONETRAINER_WEB_ALLOW_PICKLE=1; only tensors are taken from it then."
        )
        self.path = path


class BackupError(OneTrainerWebError):
    """A backup cannot be read or written."""


class OutputNotWrittenError(OneTrainerWebError):
    """A model file cannot be written."""

    def __init__(self, path: Path, reason: str, *, is_kept: bool = False) -> None:
        hint = ", then resume the run: its last backup holds the model" if is_kept else ""
        super().__init__(f"{path} could not be written: {reason}. Make room or choose another place{hint}.")
        self.path = path
        self.reason = reason


class OutputExistsError(OneTrainerWebError):
    """The result would overwrite a file although `prevent_overwrites` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} exists and prevent_overwrites is set. Choose another output_model_destination or move the file."
        )
        self.path = path


class PicturesTooLargeError(OneTrainerWebError):
    """Pictures train at a size of which the denoiser does not know all places."""

    def __init__(self, size: Size, largest_side: int) -> None:
        super().__init__(
            f"Pictures train at {size}, but this model knows no place beyond {largest_side} pixels of a side. "
            "Lower the resolution, or crop long pictures."
        )


class NothingToTrainError(OneTrainerWebError):
    """No picture or no parameter is left to train."""


class LossNotFiniteError(OneTrainerWebError):
    """The loss became NaN or infinite."""

    def __init__(self, loss: float, global_step: int) -> None:
        super().__init__(
            f"The training loss became {loss} at step {global_step}. Use a lower learning rate; or, where train_dtype "
            "or the type of weights that learn is FLOAT_16, BFLOAT_16 or FLOAT_32 in its place."
        )
        self.global_step = global_step
