"""Holds the table of who reads what against a program's own code: `python tests/programs/check.py PROGRAM DIR`."""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import absent_operators  # noqa: F401 - in front of everything that may import torchvision
from published import SIZES, TEXT, adapters_of, encoders_of, make
from torch import Tensor

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.readers import Program, Reading
from onetrainer_web.engine.weights.adapters import to_format


def main(program: Program, checkouts: list[Path]) -> int:
    """Print what the program reads of every model that it knows; the number of cells that say something else."""
    reader, wrong = _reader(program, checkouts), 0
    for model_type in SIZES:
        readings = facts(model_type).readers
        if not any(program in cells for cells in readings.values()):
            continue
        for has_text in [False, True] if encoders_of(model_type) else [False]:
            family, model = make(model_type, has_text=has_text)
            adapters = adapters_of(model, "LoRA")
            for name, cells in readings.items():
                tensors = to_format(adapters, name, family, model, None)
                found = _rank(tensors, reader.unread(model_type, tensors), has_text=has_text)
                is_right = found == _told(cells[program], has_text=has_text)
                wrong += not is_right
                _print(model_type, name, has_text, found, is_right)
    print(f"{program}: {wrong} cells are wrong")
    return wrong


def _reader(program: Program, checkouts: list[Path]) -> Any:
    if program is Program.INVOKE_AI:
        from invoke_ai import InvokeAi

        return InvokeAi(*checkouts)
    import comfy_ui

    return {Program.COMFY_UI: comfy_ui.ComfyUi, Program.FORGE: comfy_ui.Forge}[program](*checkouts)


def _rank(tensors: Mapping[str, Tensor], unread: set[str], *, has_text: bool) -> int:
    """As `Reading.rank` counts."""
    denoiser = {name for name in tensors if not name.startswith(TEXT)}
    if not denoiser & unread:
        is_without_text = has_text and (len(denoiser) == len(tensors) or bool(unread))
        return 2 if is_without_text else 3
    return 1 if denoiser - unread else 0


def _told(reading: Reading, *, has_text: bool) -> int:
    return 0 if reading.only_blocks else reading.rank(has_text=has_text)


def _print(model_type: ModelType, name: ModelFormat, has_text: bool, found: int, is_right: bool) -> None:
    words = ("nothing", "some layers", "the denoiser", "all")[found]
    told = "" if is_right else "  <-- the table says something else"
    print(f"{model_type:32} {'text' if has_text else '':5} {name:15} {words}{told}", flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(min(main(Program(sys.argv[1]), [Path(one) for one in sys.argv[2:]]), 1))
