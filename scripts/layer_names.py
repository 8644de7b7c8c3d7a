"""Writes src/onetrainer_web/config/layer_names.json: `python scripts/layer_names.py`.

What layers are called, of models of the published size, with their numbers as `#`: those of a LoRA in each format, and
those of the denoiser in each naming; and how long the vectors of an embedding are, by the names of text encoders. Their
source is the trainer; `tests/programs` holds the names of adapters against the code of the programs that read them (see
its README.md).
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "src/onetrainer_web/config/layer_names.json"


def main() -> None:
    """Write the file."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests/programs"))
    from published import adapters_of, make_trained, trained_types  # pyright: ignore[reportMissingImports] - see above

    from onetrainer_web.config.adapter_keys import split_key
    from onetrainer_web.config.enums import TrainingMethod
    from onetrainer_web.config.families import facts
    from onetrainer_web.config.readers import AdapterKind
    from onetrainer_web.engine.weights.adapters import to_format

    adapters: list[dict[str, Any]] = []
    denoisers: list[dict[str, Any]] = []
    for types in trained_types():
        family, model = make_trained(types[0])
        known = facts(types[0])
        keys: dict[str, set[str]] = {}
        for kind in (AdapterKind.LORA, AdapterKind.DORA):  # of which the second is never joined
            found = adapters_of(model, kind)
            for name in known.readers.keys() - known.unfit_formats(kind):
                keys.setdefault(name.value, set()).update(to_format(found, name, family, model, None))
        formats = {name.value: patterns(split_key(key)[0] for key in keys[name.value]) for name in known.readers}
        vectors = {
            encoder.comfy: model.module(encoder.name).get_input_embeddings().embedding_dim
            for encoder in family.text_encoders
            if TrainingMethod.EMBEDDING in facts(types[0]).methods
        }
        adapters.append({"model_types": types, "formats": formats, "vectors": vectors})
        for naming, names in namings(family, model):
            denoisers.append({"model_types": types, "naming": naming, "layers": patterns(names)})
    FILE.write_text(json.dumps({"adapters": adapters, "denoisers": denoisers}, indent=0) + "\n")


def patterns(names: Iterable[str]) -> list[str]:
    """The different names of layers, numbers aside."""
    return sorted({re.sub(r"\d+", "#", name) for name in names})


def namings(family: Any, model: Any) -> Iterator[tuple[str, list[str]]]:
    """What the layers of a denoiser are called: in diffusers, by their makers, in ComfyUI."""
    weights = model.module(family.denoiser).state_dict()
    yield "diffusers", [_layer(name) for name in weights]
    places = family.denoiser_namings()
    if not places and family.layout:
        part = family.layout.parts[0]
        places = [part.naming(model.module(family.denoiser).config)]
    for name, place in zip(("original", "ComfyUI"), places, strict=False):
        yield name, [_layer(theirs) for weight in weights for theirs in place(weight).names]


def _layer(weight: str) -> str:
    return re.sub(r"\.(weight|bias)$", "", weight)


if __name__ == "__main__":
    main()
