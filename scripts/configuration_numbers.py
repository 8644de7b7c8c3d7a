"""Prints how far OneTrainer's configurations are covered: `python scripts/configuration_numbers.py`.

The comparison with the reference needs the facts about it beside the checkout (`../shared/onetrainer`), as the tests
that hold every single case do (`tests/unit/config`); the other numbers need nothing.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.fields import SETTINGS, fields_catalogue
from onetrainer_web.config.files import config_to_dict, parse_config, parse_request, read_config_file, to_plain
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.training import OWN_KEYS, TrainConfig
from onetrainer_web.config.validation import validate

FACTS = Path(__file__).parents[2] / "shared" / "onetrainer"
REPEATS = 200


def main() -> None:
    """Print one number a line."""
    for name, value in [*_coverage(), *_comparison(), *_times()]:
        print(f"{name:55} {value}")


def _coverage() -> Iterator[tuple[str, object]]:
    fields = [field for field in fields_catalogue() if field.type != "object" and not field.secret]
    yield "keys of the training configuration", len(TrainConfig.model_fields)
    yield "keys of all its objects", sum(len(model.model_fields) for model in SETTINGS)
    yield "settings in the catalogue, each with a text", len(fields_catalogue())
    obeyed = sum(field.obeyed for field in fields)
    yield "settings obeyed by the trainer, of those with a value", f"{obeyed} of {len(fields)}"
    optimizers = next(field for field in fields if field.path == "optimizer.optimizer").options
    yield "optimizers obeyed", f"{sum(option.obeyed for option in optimizers)} of {len(Optimizer)}"


def _comparison() -> Iterator[tuple[str, object]]:
    if not FACTS.is_dir():
        yield "comparison with the reference", "its facts are not beside this checkout"
        return
    facts = _load("config-facts")["configs"]
    known = {model.__name__: set(model.model_fields) for model in SETTINGS}
    keys = [(name, key["name"]) for name, config in facts.items() for key in config["keys"]]
    yield "keys of the reference covered", f"{sum(key in known[name] for name, key in keys)} of {len(keys)}"
    own = {key: TrainConfig.model_fields[key].default for key in OWN_KEYS}  # which OneTrainer does not have
    defaults = _load("default-config") | own
    presets = _load("golden-presets")["presets"]
    equal = [
        config_to_dict(read_config_file(FACTS / "presets" / name).config)
        == _laid_over(defaults, one["resolved_diff_from_default"])
        for name, one in presets.items()
    ]
    yield "presets of the reference read equal", f"{sum(equal)} of {len(equal)}"
    yield from _migrations(defaults)


def _migrations(defaults: dict[str, Any]) -> Iterator[tuple[str, object]]:
    golden = _load("golden-migrations")
    readable = [case for case in golden["train_config"] if "error" not in case]
    equal = [
        config_to_dict(parse_config(case["input"]).config) == _laid_over(defaults, case["diff_from_default"])
        for case in readable
    ]
    yield "old configurations read equal", f"{sum(equal)} of {len(equal)}"
    failing = [case for case in golden["train_config"] if "error" in case]
    yield (
        "old ones that stop the reference, read without a note",
        (f"{sum(not parse_config(case['input']).notes for case in failing)} of {len(failing)}"),
    )
    concept = _load("default-concept")
    equal = [
        to_plain(parse_config({"concepts": [case["input"]]}).config.concepts)
        == [concept | {"seed": case["input"]["seed"]} | case["diff_from_default"]]
        for case in golden["concept_config"]
    ]
    yield "old concepts read equal", f"{sum(equal)} of {len(equal)}"


def _times() -> Iterator[tuple[str, object]]:
    data = config_to_dict(read_preset("demo_lora").config)
    read = parse_request(data)
    yield "reading a full configuration", f"{_median_ms(lambda: parse_request(data)):.2f} ms"
    yield "validating a full configuration", f"{_median_ms(lambda: validate(read.config)):.2f} ms"
    yield (
        "both, as POST /api/config/validate does",
        (f"{_median_ms(lambda: validate(parse_request(data).config)):.2f} ms"),
    )
    yield "presets of our own", len(preset_names())


def _median_ms(work: Callable[[], object]) -> float:
    """Milliseconds of processor time: what else the machine does is left out."""
    durations: list[float] = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        durations.append(time.process_time() - start)
    return statistics.median(durations) * 1000


def _laid_over(defaults: dict[str, Any], difference: dict[str, Any]) -> dict[str, Any]:
    """The complete configuration that a difference from the defaults stands for, without secrets."""
    result = {key: value for key, value in defaults.items() if key != "secrets"}
    for key, value in difference.items():
        is_object = isinstance(value, dict) and key != "optimizer_defaults"
        result[key] = {**result[key], **value} if is_object else value
    return result


def _load(name: str) -> Any:
    return json.loads((FACTS / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
