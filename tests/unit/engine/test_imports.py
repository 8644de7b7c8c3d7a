"""What a training process has loaded before its first step."""

import json
import subprocess
import sys

import pytest

UNUSED = {"av", "torch._inductor.compile_fx", "torchvision"}
"""A LoRA on pictures needs neither videos nor torch's compiler."""
PROBE = """
import gc, json, sys
from onetrainer_web.engine.imports import quick_imports
with quick_imports():
    import onetrainer_web.engine.trainer, diffusers.models.unets.unet_2d_condition
loaded = sorted(sys.modules)
import torch
from torch._dynamo import OptimizedModule
compiles = isinstance(torch.compile(torch.nn.Linear(1, 1)), OptimizedModule)
print(json.dumps({"loaded": loaded, "collects": gc.isenabled(), "compiles": compiles}))
"""


@pytest.mark.slow
def test_a_run_loads_only_what_it_uses_and_can_compile_all_the_same() -> None:
    shown = subprocess.run([sys.executable, "-W", "ignore", "-c", PROBE], check=True, capture_output=True, text=True)
    found = json.loads(shown.stdout.splitlines()[-1])
    assert UNUSED.isdisjoint(found["loaded"])
    assert found["collects"]
    assert found["compiles"]
