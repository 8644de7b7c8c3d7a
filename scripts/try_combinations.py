"""Takes model types and presets through combinations of settings: `python scripts/try_combinations.py --only FLUX`.

Every model type is trained from its starting values by each of its methods, and every preset, on the tiny model of its
family: checked, trained, stopped, resumed with an empty cache, saved and read back (`tests/engine/combinations.py`).
Between them, the rows that each subject goes through hold every pair of settings; subjects take turns, each with the
row behind the last one's. A row takes a second to half a minute. The exit status says whether anything went wrong.
"""

import argparse
import json
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.engine.combinations import (  # noqa: E402
    FACTORS,
    SMALL,
    draw_pictures,
    pairwise,
    settings_of,
    tiny_case,
    try_combination,
)
from tests.engine.conftest import Lab  # noqa: E402

from onetrainer_web.config.enums import ModelType, TrainingMethod  # noqa: E402
from onetrainer_web.config.families import MODEL_TYPES  # noqa: E402
from onetrainer_web.config.files import config_to_dict  # noqa: E402
from onetrainer_web.config.presets import preset_names, read_preset  # noqa: E402


def main() -> int:
    """Try what was asked for, a line for each; the exit status says whether something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="regular expression that a subject such as FLUX_DEV_1/LORA contains")
    parser.add_argument("--rows", type=int, help="combinations of each subject; all if left out")
    parser.add_argument("--said", action="store_true", help="also show the sentences that somebody would read")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # of models as small as these, two threads are slower
    rows, num_wrong = pairwise(FACTORS), 0
    subjects = [subject for subject in _subjects() if re.search(options.only, subject[0])]
    with tempfile.TemporaryDirectory() as models:
        for turn, (number, (name, settings)) in product(range(options.rows or len(rows)), enumerate(subjects)):
            model = _tiny_model(Path(models), ModelType(settings["model_type"]))
            num_wrong += _try(name, model, settings, rows[(number + turn) % len(rows)], says=options.said)
    return int(num_wrong > 0)


def _tiny_model(folder: Path, model_type: ModelType) -> Path:
    path = folder / model_type.value
    return path if path.exists() else tiny_case(model_type).make(path)


def _subjects() -> Iterator[tuple[str, dict[str, Any]]]:
    """What is trained: a name, and settings."""
    for model_type, facts in MODEL_TYPES.items():
        for method in sorted(facts.trained_here & set(TrainingMethod)):
            settings = {"model_type": model_type.value, "training_method": method.value}
            yield f"{model_type.value}/{method.value}", settings
    for name in preset_names():
        yield f"preset {name}", config_to_dict(read_preset(name).config)


def _try(name: str, model: Path, settings: dict[str, Any], row: dict[str, Any], *, says: bool) -> bool:
    """Whether something went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, own = Path(folder), tiny_case(ModelType(settings["model_type"])).settings
        draw_pictures(workspace)
        (workspace / "model").symlink_to(model)  # where the settings of some tiny models look for parts
        small = {**settings, **SMALL, **_of_the_model(settings, own), "base_model_name": str(model)}
        told, start = settings_of(row, small), time.monotonic()
        try:
            outcome = try_combination(Lab(workspace, model), told)
        except Exception:  # what breaks one row does not hide the others
            print(f"BROKEN {name} {json.dumps(row)}\n{traceback.format_exc()}", flush=True)
            return True
        kind = "WRONG" if outcome.wrong else "right" if outcome.num_steps else "refused"
        seconds = time.monotonic() - start
        print(f"{kind} {name} {json.dumps(row)}: {outcome.num_steps} steps in {seconds:.0f} s", flush=True)
        for sentence in outcome.wrong + (outcome.said if says or kind == "refused" else []):
            print(f"    {sentence}")
        return bool(outcome.wrong)


def _of_the_model(settings: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What a tiny model must be told, parts laid over those of the settings; none of these comes from elsewhere."""
    elsewhere = {key: {**value, "model_name": ""} for key, value in settings.items() if _is_elsewhere(value)}
    base = {**settings, **elsewhere}
    told = {key: {**base.get(key, {}), **value} if isinstance(value, dict) else value for key, value in own.items()}
    return {**elsewhere, **told}


def _is_elsewhere(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("model_name"))


if __name__ == "__main__":
    sys.exit(main())
