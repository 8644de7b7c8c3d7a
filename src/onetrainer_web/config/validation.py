"""Everything that is wrong or doubtful about a configuration, all at once."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.checks import layers, machine, places, rates, readers, settings, support, timing
from onetrainer_web.config.checks.issue import Check, Issue, Severity, Subject
from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig

CHECKS: tuple[Check, ...] = (
    support.check_model_and_method,
    support.check_choices,
    support.check_products,
    support.check_library,
    machine.check_base_model,
    machine.check_part_models,
    settings.check_concepts,
    settings.check_device,
    settings.check_several_devices,
    settings.check_parts,
    settings.check_trained_types,
    settings.check_waiting_layers,
    settings.check_output,
    readers.check_joined_layers,
    readers.check_text_in_file,
    readers.check_rounded_parts,
    readers.check_readers,
    readers.check_lengths,
    machine.check_overwriting,
    machine.check_start_files,
    settings.check_resolution,
    settings.check_frames,
    settings.check_finite,
    rates.check_learning_rates,
    settings.check_optimizer,
    settings.check_schedule,
    settings.check_loss,
    settings.check_noise,
    settings.check_adapter,
    settings.check_layer_filters,
    layers.check_layers,
    settings.check_embeddings,
    settings.check_samples,
    timing.check_intervals,
    timing.check_validation,
    timing.check_stops,
    places.check_folders,
    places.check_kinds,
    machine.check_disk,
    support.check_optimizer_parameters,
    support.check_effect,
)
"""What is looked at, in the order in which problems are told."""

_OF_MODEL_AND_METHOD: tuple[Check, ...] = (
    support.check_model_and_method,
    settings.check_output,
    rates.check_learning_rates,
)
"""What judges by the model type and the method."""

_WITHOUT_EFFECT = {
    "no_effect",
    "offload_without_effect",
    "optimizer_ignores",
    "fused_with_devices",
    "fused_without_effect",
}
"""Codes of issues that a run goes on in spite of, and tells in its journal, too."""
_REFUSED_NOTES = {"invalid_value", "clamped"}
"""Notes on values that were replaced: a run would not do what was written."""


class ValidationReport(BaseModel):
    """What the checks found."""

    model_config = ConfigDict(frozen=True)

    valid: bool = Field(description="Whether there is no error.")
    errors: list[str] = Field(description="What keeps a run from starting.")
    warnings: list[str] = Field(description="What to look at.")
    issues: list[Issue] = Field(description="The same, with the settings that they are about.")


def validate(
    config: TrainConfig, workspace: Path | None = None, *, notes: Sequence[Note] = (), deep: bool = False
) -> ValidationReport:
    """Check a configuration.

    Args:
        config: The configuration.
        workspace: Where relative paths start; None leaves out everything that depends on the machine.
        notes: What reading it could not take as it stood.
        deep: Whether a run is about to start: what it needs and lacks is an error then, and files are opened.
    """
    return report([*issues_of_notes(notes), *find_issues(Subject(config, workspace, deep), notes)])


def find_issues(subject: Subject, notes: Sequence[Note] = ()) -> list[Issue]:
    """What all checks find; of a model or method that nobody chose, nothing is said besides the note on it."""
    is_replaced = any(note.code in _REFUSED_NOTES and note.path in ("model_type", "training_method") for note in notes)
    checks = [check for check in CHECKS if not (is_replaced and check in _OF_MODEL_AND_METHOD)]
    return [issue for check in checks for issue in check(subject)]


def without_effect(issues: Iterable[Issue]) -> Iterator[Issue]:
    """Those about settings that somebody has changed and that change nothing of the run."""
    return (issue for issue in issues if issue.code in _WITHOUT_EFFECT)


def report(issues: Sequence[Issue]) -> ValidationReport:
    """Errors and warnings apart, each once."""
    distinct = list(dict.fromkeys(issues))
    errors = [issue.message for issue in distinct if issue.severity == Severity.ERROR]
    warnings = [issue.message for issue in distinct if issue.severity == Severity.WARNING]
    return ValidationReport(valid=not errors, errors=errors, warnings=warnings, issues=distinct)


def for_another_trainer(found: ValidationReport) -> ValidationReport:
    """What is left of a report when not our own trainer does the run."""
    return report([issue for issue in found.issues if issue.code not in support.LIMITS_OF_OUR_TRAINER])


def issues_of_notes(notes: Sequence[Note]) -> Iterator[Issue]:
    """What reading could not take as it stood: an error where a run would not do what was written."""
    for note in notes:
        severity = Severity.ERROR if note.code in _REFUSED_NOTES else Severity.WARNING
        yield Issue(path=note.path, severity=severity, code=note.code, message=note.message)
