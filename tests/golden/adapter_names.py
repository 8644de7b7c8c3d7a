"""Writes adapter_names.json: `python tests/golden/adapter_names.py`.

What the layers of a LoRA are called in each format, of models of the published size, with their numbers as `#`. Their
source: `tests/programs` holds them against the code of the programs that read them (see its README.md).
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
_FACTOR = re.compile(r"\.(lora_(A|B|down|up)\.weight|alpha)$")


def patterns(keys: Iterable[str]) -> list[str]:
    """The different names of layers, numbers aside."""
    return sorted({re.sub(r"\d+", "#", _FACTOR.sub("", key)) for key in keys})


def main() -> None:
    """Write the file."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "programs"))
    from published import SIZES, encoders_of, lora_of, make

    from onetrainer_web.config.families import facts
    from onetrainer_web.engine.weights.adapters import to_format

    found: dict[str, dict[str, list[str]]] = {}
    for model_type in SIZES:
        family, model = make(model_type, has_text=bool(encoders_of(model_type)))
        adapters = lora_of(model)
        found[model_type.value] = {
            name.value: patterns(to_format(adapters, name, family, model, None)) for name in facts(model_type).readers
        }
    FILE.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
