"""Small runs of any model type with any combination of settings, from the checks to a file that is read back.

`test_combinations.py` draws a few each time; `scripts/try_combinations.py` takes every model type and method through
combinations in which each pair of settings occurs.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from tests.engine.conftest import Lab, find_backups
from tests.engine.families.aura_flow import aura_flow_parts
from tests.engine.families.stable_diffusion_3 import stable_diffusion_3_parts
from tests.engine.family_case import Case
from tests.engine.outcomes import result, weight_files
from tests.engine.test_families import CASES

from onetrainer_web.config.enums import DataType, ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.files import config_to_dict, parse_request
from onetrainer_web.config.output import learning_parts, written_format
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.engine.loop.loading import load_model
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.seams.interfaces import SaveTarget
from onetrainer_web.engine.seams.precision import output_dtype
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.events import Progress, SampleDrawn, Step, Warned, read_events
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask

NUMBERS = {
    "FLOAT_32": ("FLOAT_32", "FLOAT_32"),
    "BFLOAT_16": ("BFLOAT_16", "BFLOAT_16"),
    "FLOAT_16": ("FLOAT_16", "FLOAT_16"),
    "FLOAT_8": ("BFLOAT_16", "FLOAT_8"),
    "INT_8": ("FLOAT_32", "INT_8"),
    "NFLOAT_4": ("BFLOAT_16", "NFLOAT_4"),
}
"""In what is computed, and what frozen weights are kept in."""
FACTORS: dict[str, tuple[Any, ...]] = {
    "numbers": (None, *NUMBERS),
    "pictures": (1, 2, 7),
    "batch_size": (1, 4),
    "gradient_accumulation_steps": (1, 3),
    "resolution": ("64", "64,128"),
    "masked_training": (False, True),
    "validation": (False, True),
    "ema": ("OFF", "CPU"),
    "balancing": (None, 0.5, 2.4),
    "samples": (False, True),
}
"""What is combined: `numbers` of None are the configuration's own, `balancing` is that of a second concept."""
_SHAPES = ((64, 64), (64, 64), (128, 64), (64, 128), (64, 64), (96, 64), (64, 64))
_FAR = 10**9
"""A warm-up that no run reaches, so that the checks tell the run's length."""


@dataclass
class Outcome:
    """What became of a combination."""

    said: list[str] = field(default_factory=list[str])
    """All sentences of the checks and of the run."""
    num_steps: int = 0
    """None were trained where the checks refused it."""
    wrong: list[str] = field(default_factory=list[str])


def pairwise(factors: Mapping[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Few combinations in which each pair of values of two factors occurs, if it can: each takes as many as it can."""
    chance, chosen = random.Random(0), list[dict[str, Any]]()
    items = [[(name, value) for value in values] for name, values in factors.items()]
    pairs = [frozenset(pair) for one, other in combinations(items, 2) for pair in product(one, other)]
    missing = dict.fromkeys(chance.sample(pairs, len(pairs)))
    while missing:
        row = dict(sorted(next(iter(missing)), key=repr))
        for choices in chance.sample(items, len(items)):
            if choices[0][0] not in row:
                fitting = [item for item in choices if _is_trained(row | dict([item]))] or choices
                row |= [max(fitting, key=lambda item: (_num_new(item, row, missing), chance.random()))]
        for pair in combinations(row.items(), 2):
            missing.pop(frozenset(pair), None)
        chosen.append({name: row[name] for name in factors})
    return chosen


def _num_new(item: tuple[str, Any], row: Mapping[str, Any], missing: Mapping[frozenset[Any], None]) -> int:
    return sum(frozenset((item, other)) in missing for other in row.items())


def _is_trained(row: Mapping[str, Any]) -> bool:
    """Whether squares are likely to fill a batch of each resolution, as far as a combination says."""
    of_first, of_second = {1: 1, 2: 2, 7: 4}, {None: 0, 0.5: 1, 2.4: 4}
    num_squares = of_first[row.get("pictures", 7)] + of_second[row.get("balancing", 2.4)]
    batch_size, num_sizes = row.get("batch_size", 1), len(row.get("resolution", "64").split(","))
    return batch_size == 1 or num_squares >= batch_size * num_sizes


def tiny_case(model_type: ModelType) -> Case:
    """The tiny model of a model type; where none is under test, that of another one of the same make."""
    known, own = facts(model_type), CASES.get(model_type)
    make = (known.family, known.denoiser, known.has_mask_input, known.has_depth_input, known.is_video)
    found = own or next(case for case in CASES.values() if make == _make_of(case))
    return replace(found, model_type=model_type, parts=_WITH_MORE_PLACES.get(found.parts, found.parts))


_WITH_MORE_PLACES: Mapping[Any, Callable[[], dict[str, Any]]] = {
    aura_flow_parts: partial(aura_flow_parts, 64),
    stable_diffusion_3_parts: partial(stable_diffusion_3_parts, 64),
}
"""Models that know a picture's places only up to a side that the larger resolution goes beyond."""


def _make_of(case: Case) -> tuple[object, ...]:
    known = case.facts
    return known.family, known.denoiser, known.has_mask_input, known.has_depth_input, known.is_video


def draw_pictures(workspace: Path) -> None:
    """Folders `1`, `2` and `7` of so many captioned pictures of several shapes, each with a mask."""
    for count in FACTORS["pictures"]:
        (workspace / str(count)).mkdir()
        for number, size in enumerate(_SHAPES[:count]):
            path = workspace / str(count) / f"{number}.png"
            Image.linear_gradient("L").resize(size).convert("RGB").rotate(50 * number).save(path)
            Image.linear_gradient("L").resize(size).save(path.with_name(f"{number}-masklabel.png"))
            path.with_suffix(".txt").write_text(f"glim {number}, <embedding>\na round <embedding>", encoding="utf-8")


def settings_of(chosen: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a combination of `FACTORS`, laid over others."""
    others = dict(chosen)
    numbers = others.pop("numbers")
    if others.pop("samples"):
        size = {"width": 64, "height": 64, "frames": 1, "diffusion_steps": 2}
        others |= {"samples": [{"prompt": "glim", "seed": 3, **size}], "sample_after": 1, "sample_after_unit": "EPOCH"}
    concepts: list[dict[str, Any]] = [
        {"path": str(others.pop("pictures")), "seed": 7, "image": {"enable_random_flip": True}, "image_variations": 3}
    ]
    if (balancing := others.pop("balancing")) is not None:
        concepts.append({"path": "2", "seed": 8, "name": "second", "balancing": balancing})
    if others["validation"]:
        concepts.append({"path": "2", "seed": 9, "name": "measured", "type": "VALIDATION"})
    return {**base, **others, "concepts": concepts, **(_in_numbers(base, *NUMBERS[numbers]) if numbers else {})}


def _in_numbers(base: Mapping[str, Any], train_dtype: str, frozen_dtype: str) -> dict[str, Any]:
    """Settings for computing in one type and keeping in another what does not learn."""
    config = TrainConfig.model_validate(base)
    learning = learning_parts(config)
    learning_dtype = "FLOAT_32" if train_dtype == "FLOAT_16" else train_dtype  # AdamW makes float16 weights NaN
    parts = {
        part: {**base.get(part, {}), "weight_dtype": learning_dtype if part in learning else frozen_dtype}
        for part in facts(config.model_type).parts
    }
    return {"train_dtype": train_dtype, **parts}


SMALL: dict[str, Any] = {
    "epochs": 2,
    "train_device": "cpu",
    "tensorboard": False,
    "validate_after": 1,
    "validate_after_unit": "EPOCH",
    "samples": [],
    "learning_rate_warmup_steps": 0,
    "learning_rate": 1e-3,
}
"""What makes a usual configuration a small run."""


def try_combination(lab: Lab, settings: Mapping[str, Any]) -> Outcome:
    """Check a run, train it whole, train it again with a stop and an empty cache between, and read its file back.

    Args:
        lab: Has the pictures of `draw_pictures` and the model.
        settings: As somebody would send them.
    """
    outcome = Outcome()
    read = parse_request(settings, lab.workspace)
    report = validate_with_pictures(read.config, lab.workspace, notes=read.notes, deep=True)
    outcome.said += [f"{issue.severity}: {issue.path}: {issue.message}" for issue in report.issues]
    if not report.valid:
        return outcome
    try:
        outcome.wrong += _differences(lab, read.config, outcome)
    except OneTrainerWebError as error:
        outcome.wrong.append(f"the checks let through: {error}")
    return outcome


def _differences(lab: Lab, config: TrainConfig, outcome: Outcome) -> Iterator[str]:
    whole = lab.train(_create(lab, config))
    outcome.said += [f"run: {event.message}" for event in read_events(whole.events) if isinstance(event, Warned)]
    steps = _steps(whole)
    outcome.num_steps = steps[-1][0].global_step
    drawn = [event for event in read_events(whole.events) if isinstance(event, SampleDrawn)]
    if config.samples and not drawn:
        yield "no sample was drawn"
    if (told := _told_steps(lab, config)) != outcome.num_steps:
        yield f"{told} steps were told, {outcome.num_steps} trained"
    stop_behind = (outcome.num_steps + 1) // 2
    stopped = lab.train(_create(lab, config), stop_behind=stop_behind)
    backup = next(iter(find_backups(stopped.backups)), None)
    again = lab.train(_create(lab, config, cache_dir=f"cache of {stopped.run_id}"), backup=backup)
    if (_steps(stopped) if backup else []) + _steps(again) != steps:
        yield f"the run that was stopped behind step {stop_behind} went on otherwise"
    if not _are_equal(result(whole), result(again)):
        yield "its result is another one"
    # Steps of a matrix that is kept in so many are reckoned anew from what was saved of it.
    is_reckoned = any(getattr(config, part).weight_dtype is DataType.INT_8 for part in facts(config.model_type).parts)
    if not _are_equal(result(whole), _read_back(lab, config, whole), rtol=1e-6 if is_reckoned else 0):
        yield "its file was read back otherwise"


def _create(lab: Lab, config: TrainConfig, **changes: Any) -> RunFolder:
    return create_run(lab.workspace / "runs", TrainTask(config={**config_to_dict(config), **changes}), "test")


def _steps(folder: RunFolder) -> list[tuple[Progress, dict[str, float]]]:
    return [(event.progress, event.metrics) for event in read_events(folder.events) if isinstance(event, Step)]


def _told_steps(lab: Lab, config: TrainConfig) -> int:
    longer = config.model_copy(update={"learning_rate_warmup_steps": _FAR})
    issues = validate_with_pictures(longer, lab.workspace, deep=True).issues
    told = next(issue.message for issue in issues if issue.code == "warmup_too_long")
    return int(re.findall(r"only (\d+)", told)[0])


def _read_back(lab: Lab, config: TrainConfig, folder: RunFolder) -> Path:
    """What a run that starts from a result writes before its first step."""
    file, model_format = str(result(folder)), config.output_model_format
    if config.training_method is TrainingMethod.LORA:
        changes: dict[str, Any] = {"lora_model_name": file}
    elif config.training_method is TrainingMethod.EMBEDDING:
        changes = {"embedding": {**config.embedding.model_dump(), "model_name": file}}
    elif model_format in (ModelFormat.ORIGINAL_TRANSFORMER, ModelFormat.COMFY_TRANSFORMER):
        denoiser = facts(config.model_type).denoiser
        changes = {denoiser: {**getattr(config, denoiser).model_dump(), "model_name": file}}
    else:
        changes = {"base_model_name": file}
    started = TrainConfig.model_validate({**config_to_dict(config), **changes})
    reporter = Reporter(lab.workspace / "read back.jsonl")
    method = load_model(started, lambda path: lab.workspace / path, reporter).method
    copy = folder.path / "copy" / Path(file).name
    copy.parent.mkdir()
    method.save(SaveTarget(copy, written_format(started), output_dtype(config.output_dtype), {}))
    reporter.close()
    return copy


def _are_equal(first: Path, second: Path, rtol: float = 0) -> bool:
    files = list(zip(weight_files(first), weight_files(second), strict=True))
    loaded = [(load_file(own), load_file(other)) for own, other in files]
    return all(
        own.keys() == other.keys() and all(torch.allclose(own[name], other[name], rtol=rtol, atol=0) for name in own)
        for own, other in loaded
    )
