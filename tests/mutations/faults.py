"""Faults that somebody could make: each must be caught by the tests that are named with it."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "src" / "onetrainer_web"


class Fault(NamedTuple):
    """One line of the package that is made wrong."""

    right: str
    """Stands exactly once in all of the package."""
    wrong: str
    test: str
    """What is expected to catch it: a file of tests, or one of them, as pytest is told."""


_GOLDEN = "tests/engine/test_training.py::test_a_resumed_training_is_the_same_bit_for_bit"
_TRAINING = "tests/engine/test_training.py"
_READING = "tests/unit/config/test_reading.py"
_VALIDATION = "tests/unit/config/test_validation.py"
FAULTS = [
    # How it is trained
    Fault(
        "self._loss(batch, step) / self._per_update",
        "self._loss(batch, step)",
        f"{_GOLDEN}[fine_tune in bfloat16]",
    ),
    Fault('numpy_generator("timesteps", global_step)', 'numpy_generator("timesteps", 0)', f"{_GOLDEN}[lora]"),
    Fault("TRAINING_SEED = 42", "TRAINING_SEED = 43", f"{_GOLDEN}[lora]"),
    Fault(
        "smoothing = min(MAX_SMOOTHING, 1 - 1 / numbers.num_updates)",
        "smoothing = MAX_SMOOTHING",
        f"{_TRAINING}::test_the_events_tell_the_whole_story",
    ),
    Fault(
        "% self._config.ema_update_step_interval == 0",
        "% 1 == 0",
        f"{_TRAINING}::test_samples_with_an_average_are_drawn_twice",
    ),
    Fault("averages, values, 1 - decay)", "averages, values, decay)", "tests/unit/engine/test_objectives.py"),
    Fault("max_noising_strength) - 1", "max_noising_strength)", "tests/unit/engine/test_timesteps.py"),
    Fault("return shift * share / ((shift - 1) * share + 1)", "return share", "tests/unit/engine/test_timesteps.py"),
    Fault("return step / plan.warmup", "return (step + 1) / plan.warmup", "tests/unit/engine/test_schedules.py"),
    Fault(
        "warmup / batches_an_update(config) if warmup > 1",
        "warmup if warmup > 1",
        "tests/unit/engine/test_schedules.py",
    ),
    Fault(
        "signal * noise - noise_share * latents",
        "signal * noise + noise_share * latents",
        "tests/unit/engine/test_objectives.py",
    ),
    Fault("snr.clamp(max=strength)", "snr.clamp(min=strength)", "tests/unit/engine/test_objectives.py"),
    Fault("    return losses * weights\n", "    return losses\n", f"{_GOLDEN}[lora with everything]"),
    Fault(
        "sample_losses(config, predicted, prior, 1 - mask)",
        "sample_losses(config, predicted, prior, mask)",
        f"{_TRAINING}::test_the_surroundings_of_a_mask_are_held_to_the_untrained_model",
    ),
    Fault(
        'derive_seed("rounding", self._step, number, place)',
        'derive_seed("rounding", number, place)',
        f"{_GOLDEN}[bfloat16, rounded by chance]",
    ),
    Fault(".add_(1 << (_LOST_BITS - 1))", "", "tests/engine/test_weight_updates.py"),
    Fault(
        "backups.whole[:-num_kept]",
        "backups.whole[: -num_kept - 1]",
        f"{_TRAINING}::test_rolling_backups_keep_the_newest",
    ),
    Fault(
        "and progress.global_step // every > before // every",
        "and progress.global_step // every > (before - 1) // every",
        "tests/unit/engine/test_intervals.py",
    ),
    # Several devices
    Fault("to_update = max(1, per_update - num_waiting)", "to_update = per_update", "tests/unit/engine/test_rounds.py"),
    Fault(
        "sizes.batch * sizes.devices,",
        "sizes.batch,",
        "tests/engine/test_optimizers.py::test_the_rate_grows_with_the_square_root_of_its_scaler",
    ),
    Fault("return own if config.keep_effective_batch else", "return", "tests/unit/config/test_devices.py"),
    Fault("return progress.epoch >= amount", "return progress.epoch > amount", "tests/unit/engine/test_intervals.py"),
    Fault(
        "math.ceil((waiting + max_step - progress.global_step) / accumulation)",
        "math.ceil((max_step - progress.global_step) / accumulation)",
        f"{_TRAINING}::test_an_accumulation_that_stays_incomplete_trains_with_the_mean_of_what_is_there",
    ),
    Fault(
        '{"kind": "prompt", "prompt": prompt, "encoder": text_identity}',
        '{"kind": "prompt", "prompt": prompt}',
        "tests/unit/pipeline/test_cache.py",
    ),
    Fault('"batches", epoch).shuffle', '"batches").shuffle', "tests/unit/pipeline/test_plan.py"),
    # What a configuration means
    Fault("(0.5 if bias is None else bias) - 0.5", "(0.5 if bias is None else bias)", _READING),
    Fault(
        "return version if version < TrainConfig.version else None",
        "return version",
        _READING,
    ),
    Fault(
        "for problem in reversed(problems)]",
        "for problem in problems]",
        _READING,
    ),
    Fault(
        "and evident_version(given) == TrainConfig.version",
        "and evident_version(given) != TrainConfig.version",
        _READING,
    ),
    Fault("    reject_secrets(given)\n", "", "tests/unit/config/test_secrets.py"),
    Fault(
        '_REFUSED_NOTES = {"invalid_value", "clamped"}',
        '_REFUSED_NOTES = {"clamped"}',
        _VALIDATION,
    ),
    Fault("valid=not errors", "valid=True", _VALIDATION),
    Fault(
        "if warmup > 1 and steps <= warmup:",
        "if warmup > 1 and steps < warmup:",
        "tests/unit/dataset/test_validation.py",
    ),
    Fault(
        "return found if any(found.is_relative_to(root) for root in roots) else None",
        "return found",
        "tests/attacks/test_hostile_folder.py",
    ),
    Fault("(0 if follow else _NO_LINK)", "0", "tests/attacks/test_hostile_folder.py"),
    Fault("and len(digits) <= 9 else None", "else None", "tests/unit/runs/test_devices.py"),
    # What the processes say
    Fault("        if _ends_torn(path):\n", "        if False:\n", "tests/unit/protocol/test_journal.py"),
    Fault("if first - self.offset <= MAX_LINE_BYTES:", "if True:", "tests/unit/protocol/test_journal.py"),
    Fault("fcntl.LOCK_SH | fcntl.LOCK_NB", "fcntl.LOCK_EX | fcntl.LOCK_NB", "tests/unit/protocol/test_lock.py"),
    Fault('update={"id": last + 1}', 'update={"id": last}', "tests/unit/protocol/test_commands.py"),
    Fault('{"epochs": asked_for[-1]}', '{"epochs": asked_for[0]}', "tests/unit/protocol/test_commands.py"),
    Fault("return launched or fold.resume_id >= asked_id", "return launched", "tests/unit/protocol/test_state.py"),
    Fault(
        "max(stop.timeout_s, SAVE_PATIENCE_S) if is_answered and stop.save",
        "stop.timeout_s if is_answered and stop.save",
        "tests/unit/protocol/test_state.py",
    ),
    Fault("other.position <= backup.position", "other.position < backup.position", "tests/engine/test_backups.py"),
    Fault("        if found != size:\n", "        if found > size:\n", "tests/engine/test_backups.py"),
]


def where(fault: Fault) -> list[Path]:
    """The files of the package in which the right text stands, once for each place."""
    return [path for path, text in _texts().items() for _ in range(text.count(fault.right))]


@cache
def _texts() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
