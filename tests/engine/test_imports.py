"""What a training process has loaded by its end, and when it leaves torch's compiler alone."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.engine.conftest import Lab

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.environment import set_up_environment

UNUSED = {"av", "torch._inductor.compile_fx", "torchvision", "onetrainer_web.engine.ranks"}
"""Pictures need no videos, what does not compile no compiler, one device no ranks; torchvision has no user here."""
PROBE = """
import gc, json, sys
from onetrainer_web.engine import worker
code = worker.main(sys.argv[1:])
import psutil, torch.distributed
met = torch.distributed.is_initialized()
alone = not psutil.Process().children()
print(json.dumps({"code": code, "collects": gc.isenabled(), "met": met, "alone": alone, "loaded": sorted(sys.modules)}))
"""


@pytest.mark.slow
def test_a_run_loads_no_more_than_it_uses(lab: Lab) -> None:
    settings: dict[str, Any] = {
        "unet": {"gradient_checkpointing": True},
        "sample_after_unit": "EPOCH",
        "backup_after_unit": "EPOCH",
    }
    folder = lab.create(**settings, epochs=1)
    command = [sys.executable, "-W", "ignore", "-c", PROBE, str(folder.path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found = json.loads(shown.stdout.splitlines()[-1])
    assert not UNUSED & set(found.pop("loaded"))
    assert found == {"code": 0, "collects": True, "met": False, "alone": True}


@pytest.mark.parametrize(
    "settings", [{"compile": True}, {"attention_mechanism": "FLEX"}, {"optimizer": {"compile": True}}]
)
def test_only_a_run_that_compiles_leaves_the_compiler_on(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    set_up_environment(TrainConfig.model_validate(settings), None)
    assert "TORCHDYNAMO_DISABLE" not in os.environ
    set_up_environment(TrainConfig(), None)
    assert os.environ["TORCHDYNAMO_DISABLE"] == "1"
