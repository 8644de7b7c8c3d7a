"""Holds what is said of other programs against their own code: `python tests/programs/check.py PROGRAM DIR…`."""

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import absent_operators  # noqa: F401 - in front of everything that may import torchvision
import torch
from published import KINDS, SIZES, TEXT, adapters_of, encoders_of, layers_of, make, whole_file
from safetensors.torch import save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))  # in front of programs that have `tests`, too
from tests.engine import test_merged_weights as merging

from onetrainer_web.config.architectures import ARCHITECTURES
from onetrainer_web.config.destinations import destinations_of
from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.readers import AdapterKind, Program, Reading
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.embeddings import Embedding, Vectors
from onetrainer_web.engine.seams.interfaces import SaveTarget
from onetrainer_web.engine.weights.adapters import read_adapters, to_format
from onetrainer_web.engine.weights.embeddings import write_embedding
from onetrainer_web.engine.weights.scaled import unscaled

Cell = tuple[str, str, str]
"""What is asked, what was found, what is told."""
_WORDS = ("nothing", "some layers", "the denoiser", "all")
_NAMELESS = (
    *("pixart-alpha", "cogview4", "wuerstchen-v2-prior"),  # SwarmUI does not draw with these
    *("stable-diffusion-3-medium", "stable-diffusion-3-5-medium", "stable-diffusion-3-5-large"),  # sd-scripts' names
)
"""Architectures that SwarmUI tells by the weights alone, if at all."""
_EMBEDDED: Mapping[ModelType, tuple[Any, ...]] = {
    ModelType.STABLE_DIFFUSION_15: ("sd-1", 768),
    ModelType.STABLE_DIFFUSION_21: ("sd-2", 1024),
    ModelType.STABLE_DIFFUSION_XL_10_BASE: ("sdxl", 768, 1280),
}
"""What InvokeAI calls models, and the widths of their text encoders."""
_STRANGE_TO_ONETRAINER = {
    ("wuerstchen", ModelFormat.KOHYA_LORA): Reading(is_unread=True),
    ("wuerstchen", ModelFormat.COMFY_LORA): Reading(loses="the attention layers", refuses_text=True),
    ("hunyuan_video", ModelFormat.COMFY_LORA): Reading(is_unread=True),
    ("qwen", ModelFormat.COMFY_LORA): Reading(loses_text=True),  # the layers that look at pictures
}
"""Files with names that ComfyUI has, which OneTrainer does not know."""
_PRODUCTS = ("float8_e4m3fn", "float8_e5m2", "int8_tensorwise", "int8_tensorwise per_channel")
"""ComfyUI's formats that are numbers beside a scale and nothing more."""
_BEST = 1e-3
"""The largest error of a merged weight, as a share of its change, that counts as right."""


def our_names(program: str, reader: Any) -> Iterator[Cell]:
    """What the program reads of our adapter files of models of published size, with and without text encoders."""
    for model_type in SIZES:
        known = facts(model_type)
        for has_text in [False, True] if encoders_of(model_type) else [False]:
            for kind in KINDS:
                told = {name: _told(program, known, name, kind) for name in known.formats[TrainingMethod.LORA]}
                if not any(told.values()):
                    continue
                family, model = make(model_type, has_text=has_text)
                adapters = adapters_of(model, kind)
                for name in told.keys() - known.unfit_formats(kind):
                    tensors = to_format(adapters, name, family, model, None)
                    found = _rank(tensors, reader.unread(model_type, tensors), has_text=has_text)
                    label = f"{model_type} {'with text ' if has_text else ''}{kind} {name}"
                    reading = told[name] or Reading(is_unread=True)
                    rank = 0 if reading.only_blocks else reading.rank(has_text=has_text)
                    yield label, _WORDS[found], _WORDS[rank]


def _told(program: str, known: ModelFacts, name: ModelFormat, kind: AdapterKind) -> Reading | None:
    """What the table says; None where it says nothing."""
    if program in set(Program):
        return known.readers_of(name, kind).get(Program(program))
    if program == "LyCORIS":
        return Reading(is_unread=name is not ModelFormat.KOHYA_LORA)
    if program != "OneTrainer" or not known.is_in_onetrainer:
        return None
    # Of two ways to name layers in one file it knows only one.
    is_mixed = name in known.joined_formats and kind in (AdapterKind.DORA, AdapterKind.LOKR)
    if is_mixed:
        return Reading(loses="the layers under original names")
    usual = Reading(loses_text=name is ModelFormat.ORIGINAL_LORA)
    return _STRANGE_TO_ONETRAINER.get((known.family, name), usual)


def _rank(tensors: Mapping[str, Tensor], unread: set[str], *, has_text: bool) -> int:
    """As `Reading.rank` counts."""
    denoiser = {name for name in tensors if not name.startswith(TEXT)}
    if not denoiser & unread:
        is_without_text = has_text and (len(denoiser) == len(tensors) or bool(unread))
        return 2 if is_without_text else 3
    return 1 if denoiser - unread else 0


def their_names(program: str, writer: Any) -> Iterator[Cell]:
    """What we read of the program's own files of a LoRA."""
    del program
    for model_type in SIZES:
        for label, tensors in writer.written(model_type).items():
            family, model = make(model_type, has_text=bool(encoders_of(model_type)))
            modules = {part: [name for name, _ in layers_of(network)] for part, network in model.modules()}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "theirs.safetensors"
                save_file({name: torch.ones(own.shape, dtype=torch.half) for name, own in tensors.items()}, path)
                try:
                    read_adapters(path, modules, family, model)
                except WrongWeightsError as error:
                    model.notes.append(str(error))
            yield f"{model_type} {label}", "; ".join(model.notes) or "all", "all"


def our_numbers(program: str, reader: Any) -> Iterator[Cell]:
    """Whether the program makes the same of weights as our adapters do, of tiny models."""
    for family, model_type in merging.MODELS.items():
        for kind in merging.KINDS.keys() - reader.unlike:
            if family not in reader.families:
                continue
            trained = merging.Trained(model_type, kind)
            known = facts(model_type)
            for name in set(known.formats[TrainingMethod.LORA]) - known.unfit_formats(trained.kind):
                reading = _told(program, known, name, trained.kind)
                if reading is None or reading.fault(has_text=False):
                    continue
                tensors = to_format(trained.adapters, name, trained.family, trained.model, None)
                error = _error(reader.merged(trained, tensors), trained)
                yield f"{model_type} {kind} {name}", "right" if error < _BEST else f"wrong by {error:.0e}", "right"


def _error(merged: Mapping[str, Tensor], trained: merging.Trained) -> float:
    expected = trained.merged()
    changes = {name: (expected[name] - weight).abs().max() for name, weight in trained.weights.items()}
    return max(
        float((merged[name] - expected[name]).abs().max() / change) for name, change in changes.items() if change
    )


def their_numbers(program: str, writer: Any) -> Iterator[Cell]:
    """Whether we make the same of weights as the program's own adapters do."""
    del program
    for label, trained, tensors, expected in writer.trained():
        with tempfile.TemporaryDirectory() as folder:
            save_file(tensors, Path(folder) / "theirs.safetensors")
            modules = {trained.family.denoiser: trained.layers}
            found = read_adapters(Path(folder) / "theirs.safetensors", modules, trained.family, trained.model)
        merged = merging.changed_all(
            trained.weights,
            {
                key.partition(".")[2]: {**own.weights, "alpha": torch.tensor(own.alpha or 1.0)}
                for key, own in found.items()
            },
        )
        is_right = all(torch.allclose(merged[name], weight, atol=1e-4) for name, weight in expected.items())
        yield f"theirs: {label}", "right" if is_right else "wrong", "right"


def single_files(program: str, reader: Any) -> Iterator[Cell]:
    """Whether the program finds every weight of a denoiser in our single file, and has a place for each."""
    del program
    for model_type in SIZES:
        yield f"{model_type} in one file", reader.lacking(model_type) or "all", "all"


def whole_files(program: str, reader: Any) -> Iterator[Cell]:
    """The same of whole models in one file, with text encoders and autoencoder."""
    del program
    for model_type in SIZES:
        if tensors := whole_file(model_type):
            yield f"{model_type} as a whole in one file", reader.lacking_in_whole(model_type, tensors) or "all", "all"


def their_weights(program: str, reader: Any) -> Iterator[Cell]:
    """Whether weights that the program stored in few bits are read as it reads them, or refused."""
    del program
    for label, tensors, meant in reader.stored(torch.randn(256, 512, dtype=torch.bfloat16)):
        told = "right" if label in _PRODUCTS else "refused"
        try:
            found = unscaled(Path("theirs"), tensors, torch.bfloat16)
        except WrongWeightsError as error:
            is_named = label.split(" ")[0] in str(error)
            yield f"a layer in {label}", "refused" if is_named else str(error), told
            continue
        is_right = found.keys() == {"layer.weight"} and torch.equal(found["layer.weight"], meant)
        yield f"a layer in {label}", "right" if is_right else "wrong", told


def our_embeddings(program: str, reader: Any) -> Iterator[Cell]:
    """Which model the program takes our embeddings for."""
    del program
    for model_type, (told, *widths) in _EMBEDDED.items():
        with tempfile.TemporaryDirectory() as folder:
            path, _ = _embedding(model_type, widths, Path(folder))
            yield f"{model_type} embedding", reader.embedding_of(path), told


def our_vectors(program: str, reader: Any) -> Iterator[Cell]:
    """Whether each of the program's text encoders finds its own vectors in our embeddings."""
    del program
    for model_type in SIZES:
        if TrainingMethod.EMBEDDING in facts(model_type).methods:
            encoders = family_of(model_type).text_encoders
            with tempfile.TemporaryDirectory() as folder:
                path, vectors = _embedding(model_type, range(8, 8 + len(encoders)), Path(folder))
                for encoder in encoders:
                    found = reader.vectors_of(path, encoder.comfy)
                    is_own = found is not None and torch.equal(found, vectors[encoder.name].inputs)
                    yield f"{model_type} embedding for {encoder.comfy}", "its own" if is_own else "others", "its own"


def _embedding(model_type: ModelType, widths: Sequence[int], folder: Path) -> tuple[Path, dict[str, Vectors]]:
    """A file, and the vectors in it by text encoders."""
    family = family_of(model_type)
    vectors = {
        part.name: Vectors([1, 2], torch.nn.Parameter(torch.randn(2, width)))
        for part, width in zip(family.text_encoders, widths, strict=True)
    }
    target = SaveTarget(folder / "one.safetensors", ModelFormat.SAFETENSORS, None, {})
    write_embedding(target, Embedding(TrainEmbeddingConfig(placeholder="<one>"), vectors), family)
    return target.path, vectors


def our_architectures(program: str, reader: Any) -> Iterator[Cell]:
    """Whether our files name base models as the program's own do."""
    del program
    for model_type in SIZES:
        if theirs := reader.architecture_of(model_type):
            yield f"{model_type} is called", family_of(model_type).architecture, theirs


def known_architectures(program: str, reader: Any) -> Iterator[Cell]:
    """Whether the program sorts by the names that our files give base models; and its folders."""
    del program
    for architecture in ARCHITECTURES:
        is_known = reader.knows(architecture) or architecture in _NAMELESS
        yield architecture, "known" if is_known else "unknown", "known"
    for kind, folder in reader.folders().items():
        places = {one.program: one.place for one in destinations_of(kind, "", "", "")}
        yield f"folder: {kind}", places["SwarmUI"], folder


Question = Callable[[str, Any], Iterator[Cell]]
PROGRAMS: Mapping[str, tuple[str, str, Sequence[Question]]] = {
    "ComfyUI": ("comfy_ui", "ComfyUi", (single_files, whole_files, their_weights, our_vectors, our_numbers, our_names)),
    "Forge": ("comfy_ui", "Forge", (our_names,)),
    "InvokeAI": ("invoke_ai", "InvokeAi", (our_embeddings, our_names)),
    "sd-scripts": ("sd_scripts", "SdScripts", (our_architectures, their_names, our_names)),
    "SwarmUI": ("swarm_ui", "SwarmUi", (known_architectures,)),
    "OneTrainer": ("one_trainer", "OneTrainer", (their_names, our_names)),
    "LyCORIS": ("lycoris_modules", "Lycoris", (our_numbers, their_numbers)),
}
"""The class that asks each program, where it stands, and what it can answer."""


def main(program: str, checkouts: Sequence[Path]) -> int:
    """Print every cell; the number of those in which something else was found than is told."""
    module, name, questions = PROGRAMS[program]
    reader, wrong = getattr(import_module(module), name)(*checkouts), 0
    for question in questions:
        for label, found, told in question(program, reader):
            wrong += found != told
            print(f"{label:60} {found}{'' if found == told else f'  <-- told: {told}'}", flush=True)
    print(f"{program}: {wrong} cells are wrong")
    return wrong


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(min(main(sys.argv[1], [Path(one) for one in sys.argv[2:]]), 1))
