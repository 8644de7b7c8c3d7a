"""Facts about the reference, which lie beside the checkout where there is one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.training import OWN_KEYS, TrainConfig

_FACTS = Path(__file__).parents[4] / "shared" / "onetrainer"

Facts = Callable[[str], Any]


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    if not _FACTS.is_dir():
        pytest.skip("the facts about the reference (../shared/onetrainer) are not beside this checkout")
    return _FACTS


@pytest.fixture(scope="session")
def reference(reference_folder: Path) -> Facts:
    def load(name: str) -> Any:
        content = json.loads((reference_folder / f"{name}.json").read_text(encoding="utf-8"))
        own = {key: TrainConfig.model_fields[key].default for key in OWN_KEYS}
        return content | own if name == "default-config" else content

    return load
