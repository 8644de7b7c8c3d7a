"""What the checks count before a start is what the trainer plans, for any combination of settings."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from onetrainer_web.config.families import facts
from onetrainer_web.config.files import parse_request
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import reads_masks
from onetrainer_web.dataset.epochs import NoFullBatchError
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.pipeline.items import TRAINED_TYPES, Uses, collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions

_SHAPES = ((64, 64), (64, 64), (128, 64), (64, 128), (64, 64), (96, 64), (64, 64))
_FAR = 10**9
"""A warm-up that no run reaches, so that the checks tell the run's length."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of 1, 2 and 7 captioned pictures of several shapes, each with a mask."""
    root = tmp_path_factory.mktemp("counts")
    for count in (1, 2, 7):
        folder = root / str(count)
        folder.mkdir()
        for number, size in enumerate(_SHAPES[:count]):
            Image.new("RGB", size).save(folder / f"{number}.png")
            Image.new("L", (32, 32), 255).resize(size).save(folder / f"{number}-masklabel.png")
            (folder / f"{number}.txt").write_text("a glim\na round glim")
    return root


def _concepts() -> st.SearchStrategy[list[dict[str, Any]]]:
    concept = st.fixed_dictionaries(
        {
            "path": st.sampled_from(["1", "2", "7"]),
            "seed": st.integers(0, 3),
            "type": st.sampled_from(["STANDARD", "STANDARD", "VALIDATION", "PRIOR_PREDICTION"]),
            "balancing": st.sampled_from([1, 0.5, 2.4, 3]),
            "balancing_strategy": st.sampled_from(["REPEATS", "SAMPLES"]),
            "image_variations": st.sampled_from([1, 3]),
            "image": st.fixed_dictionaries({"enable_random_mask_rotate_crop": st.booleans()}),
        }
    )
    return st.lists(concept, min_size=1, max_size=3)


_RUNS = st.fixed_dictionaries(
    {
        "concepts": _concepts(),
        "batch_size": st.sampled_from([1, 2, 4]),
        "gradient_accumulation_steps": st.sampled_from([1, 3]),
        "epochs": st.sampled_from([1, 2, 5]),
        "resolution": st.sampled_from(["64", "48,64", "64 x 96"]),
        "aspect_ratio_bucketing": st.booleans(),
        "latent_caching": st.booleans(),
        "masked_training": st.booleans(),
        "validation": st.booleans(),
        "ema": st.sampled_from(["OFF", "CPU"]),
    }
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(changes=_RUNS)
def test_checks_count_what_the_trainer_plans(workspace: Path, changes: dict[str, Any]) -> None:
    config = parse_request({"base_model_name": "tiny", "learning_rate_warmup_steps": _FAR, **changes}).config
    report = validate_with_pictures(config, workspace, deep=True)
    assert all(issue.message.endswith((".", "?")) and issue.path for issue in report.issues)
    codes = {issue.code for issue in report.issues}
    planner = _planner(config, workspace)
    if planner is None:
        assert codes & {"resolution_needs_buckets", "no_concept", "no_pictures"}
        return
    try:
        steps = sum(planner.count_steps(config.epochs))
    except NoFullBatchError:
        assert codes & {"no_full_batch", "no_pictures"}
        return
    told = next(issue.message for issue in report.issues if issue.code == "warmup_too_long")
    assert re.findall(r"only (\d+)", told) == [str(steps)]
    plans = [planner.plan_epoch(epoch) for epoch in range(config.epochs)]
    trained = {item.name for plan in plans for batch in plan.batches for item in batch}
    untrained = {item.name for plan in plans for item in plan.leftovers} - trained
    told = next((issue.message for issue in report.issues if issue.code == "pictures_never_trained"), "0 pictures")
    num_never = 1 if told.startswith("One") else int(told.split()[0])
    assert num_never <= len(untrained)


def _planner(config: TrainConfig, workspace: Path) -> Planner | None:
    """As the trainer makes it; None where it would refuse."""
    try:
        options = PlanOptions.of(config, facts(config.model_type).bucket_multiple)
        uses = Uses(reads_masks(config))
        data = collect_data(config.concepts or (), TRAINED_TYPES, lambda path: workspace / path, uses=uses)
        return Planner(data, options) if data.num_pictures else None
    except InvalidConfigError:
        return None
