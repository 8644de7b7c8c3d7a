"""FLUX.2 dev, which differs from Klein in its text encoder and in how it is guided."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline
from tests.engine.conftest import Lab
from tests.engine.families.flux_2 import CASES, flux_2_parts
from tests.engine.outcomes import assert_same_picture, pictures, result
from tests.engine.test_families import (
    draw_in_diffusers,
    drawing,
    models,  # noqa: F401 - a fixture
)
from tests.engine.tiny_models import make_mistral_config, make_qwen_tokenizer
from transformers.models.mistral3.modeling_mistral3 import Mistral3ForConditionalGeneration
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelType

pytestmark = pytest.mark.slow

TEMPLATE = "{% for message in messages %}[{{ message.role }}]{{ message.content[0].text }}{% endfor %}"


def dev_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=make_qwen_tokenizer().backend_tokenizer,
        pad_token="<|endoftext|>",
        padding_side="left",
        chat_template=TEMPLATE,
    )
    return {
        **flux_2_parts(guidance_embeds=True),
        "text_encoder": Mistral3ForConditionalGeneration(make_mistral_config(tokenizer, num_layers=31)),
        "tokenizer": tokenizer,
    }


def test_dev_draws_what_its_pipeline_draws(lab: Lab) -> None:
    case = replace(CASES[0], parts=dev_parts, pipeline=Flux2Pipeline, index={}, call={"max_sequence_length": 256})
    lab = Lab(lab.workspace, case.make(lab.workspace / "dev"), {"model_type": "FLUX_2"})
    settings = case.training("FINE_TUNE") | {"text_encoder_sequence_length": 256}
    folder = lab.train(**settings, **drawing(case), epochs=1)
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, case.pipeline.from_pretrained(result(folder))))


def test_a_distilled_klein_stays_one(lab: Lab, models: Callable[[ModelType], Path]) -> None:  # noqa: F811
    case = CASES[0]
    model = models(case.model_type)
    index = model / "model_index.json"
    before = index.read_text()
    index.write_text(before.replace('"is_distilled": false', '"is_distilled": true'))
    try:
        lab = Lab(lab.workspace, model, {"model_type": "FLUX_2"})
        folder = lab.train(**case.training("FINE_TUNE"), **drawing(case), epochs=1)
    finally:
        index.write_text(before)
    assert json.loads((result(folder) / "model_index.json").read_text())["is_distilled"]
    pipeline = case.pipeline.from_pretrained(result(folder))
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, pipeline))
