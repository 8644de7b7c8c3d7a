"""Learning from pairs: a target, the picture that it is drawn after, and the caption between them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from tests.engine.families.flux import CASES as FLUX_CASES
from tests.engine.families.flux_2 import CASES as FLUX_2_CASES
from tests.engine.family_case import Case, base_picture
from tests.engine.outcomes import assert_same_picture, losses, pictures, result
from tests.engine.test_families import (
    draw_in_diffusers,
    drawing,
    make_lab,
    models,  # noqa: F401 - a fixture
)

from onetrainer_web.config.enums import ModelType
from onetrainer_web.protocol.events import Skipped, read_events

pytestmark = pytest.mark.slow

KONTEXT = FLUX_CASES[2]
Models = Callable[[ModelType], Path]


def train(workspace: Path, case: Case, models: Models, model_type: ModelType, **settings: Any) -> list[float]:  # noqa: F811
    """The losses of a short LoRA on the pairs of a case."""
    workspace.mkdir()
    lab = make_lab(workspace, models(case.model_type), case.model_type)
    return losses(lab.train(**case.training("LORA"), **{"model_type": model_type.value, "epochs": 1, **settings}))


def test_a_reference_is_seen_and_can_be_left_out(tmp_path: Path, models: Models) -> None:  # noqa: F811
    def trained(name: str, model_type: ModelType, **settings: Any) -> list[float]:
        return train(tmp_path / name, KONTEXT, models, model_type, **settings)

    plain = trained("plain", ModelType.FLUX_DEV_1)
    assert trained("pairs", ModelType.FLUX_KONTEXT_DEV_1) != plain
    assert trained("dropped", ModelType.FLUX_KONTEXT_DEV_1, reference_dropout_probability=1.0) == plain
    # The same without a cache, where pictures and references are encoded for each batch.
    assert trained("uncached", ModelType.FLUX_KONTEXT_DEV_1, latent_caching=False) != plain


def test_a_picture_without_its_reference_is_named_and_does_not_train(
    tmp_path: Path,
    models: Models,  # noqa: F811
) -> None:
    lab = make_lab(tmp_path, models(KONTEXT.model_type), KONTEXT.model_type)
    (tmp_path / "datasets" / "squares" / "3-condlabel.png").unlink()
    folder = lab.train(**KONTEXT.training("LORA"), epochs=1)
    (skipped,) = [event for event in read_events(folder.events) if isinstance(event, Skipped)]
    (reason,) = [one.reason for one in skipped.pictures if one.path.endswith("3.png")]
    assert "has no reference" in reason


def test_flux_2_draws_after_a_reference_as_its_pipeline_does(tmp_path: Path, models: Models) -> None:  # noqa: F811
    case = FLUX_2_CASES[0]
    case = replace(
        case,
        call={**case.call, "image": base_picture()},
        sample={"sample_inpainting": True, "base_image_path": "base.png"},
    )
    lab = make_lab(tmp_path, models(case.model_type), case.model_type)
    for square in sorted((tmp_path / "datasets" / "squares").glob("?.png")):
        ImageOps.invert(Image.open(square)).save(square.with_name(f"{square.stem}-condlabel.png"))
    settings = {**case.training("FINE_TUNE"), **drawing(case), "epochs": 1}
    folder = lab.train(**settings, custom_conditioning_image=True)
    assert losses(folder) != losses(lab.train(**settings))
    pipeline = case.pipeline.from_pretrained(result(folder))
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, pipeline))
