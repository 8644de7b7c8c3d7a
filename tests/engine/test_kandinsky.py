"""What is special about Kandinsky 5: some of its transformers look only at parts of a video."""

import json

import pytest
from tests.engine.conftest import Lab
from tests.engine.families.kandinsky_5 import CASES

from onetrainer_web.engine.runtime.errors import WrongWeightsError

pytestmark = pytest.mark.slow


def test_a_model_of_sparse_attention_is_refused(lab: Lab) -> None:
    video = CASES[-1]
    model = video.make(lab.workspace / "video")
    settings = model / "transformer" / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_bytes()) | {"attention_type": "nabla"}))
    with pytest.raises(WrongWeightsError, match="10 seconds"):
        lab.train(**video.training("LORA"), model_type=video.model_type.value, base_model_name=str(model))
