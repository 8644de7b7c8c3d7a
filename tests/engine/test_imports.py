"""What a training process has loaded by its end, and what works although it was not loaded."""

import json
import subprocess
import sys
from typing import Any

import pytest

UNUSED = {
    "av",
    "bitsandbytes",
    "torch._dynamo.eval_frame",
    "torch._inductor",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "torchvision",
}
"""Pictures need no videos; what does not compile needs no compiler; one process needs nothing for several."""
PROBE = """
import gc, json, os, sys
from onetrainer_web.engine import worker
code = worker.main(sys.argv[1:])
loaded = sorted(sys.modules)
import torch, transformers.models
from transformers.models import CLIPTextModel
del os.environ["TORCHDYNAMO_DISABLE"]
compiled = torch.compile(torch.nn.Linear(1, 1))
from torch._dynamo import OptimizedModule
import bitsandbytes.functional
found = {
    "code": code,
    "loaded": loaded,
    "collects": gc.isenabled(),
    "compiles": isinstance(compiled, OptimizedModule) and torch._dynamo is sys.modules["torch._dynamo"],
    "is_listed_once": type(transformers.models) is type(sys),
    "knows_distribution": torch.distributed.is_available(),
}
print(json.dumps(found))
"""
COMPILING_PROBE = """
import json, sys
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.imports import quick_imports
with quick_imports(TrainConfig.model_validate_json(sys.argv[1])):
    pass
print("torch._dynamo.eval_frame" in sys.modules and "torch.distributed.tensor" in sys.modules)
"""

pytestmark = pytest.mark.slow


def test_a_run_loads_only_what_it_uses_and_the_rest_is_there_all_the_same(lab: Any) -> None:
    settings: dict[str, Any] = {
        "unet": {"gradient_checkpointing": True},
        "sample_after_unit": "EPOCH",
        "backup_after_unit": "EPOCH",
    }
    folder = lab.create(**settings, epochs=1)
    command = [sys.executable, "-W", "ignore", "-c", PROBE, str(folder.path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(shown.stdout.splitlines()[-1])
    assert not UNUSED & set(found.pop("loaded"))
    assert found == {
        "code": 0,
        "collects": True,
        "compiles": True,
        "is_listed_once": True,
        "knows_distribution": True,
    }


@pytest.mark.parametrize("settings", [{"compile": True}, {"attention_mechanism": "FLEX"}])
def test_a_run_that_compiles_has_the_whole_compiler(settings: dict[str, Any]) -> None:
    command = [sys.executable, "-W", "ignore", "-c", COMPILING_PROBE, json.dumps(settings)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert shown.stdout.splitlines()[-1] == "True"
