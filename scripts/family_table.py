"""Writes docs/families.md from the catalogue of model types: `python scripts/family_table.py`."""

from pathlib import Path

from onetrainer_web.config.destinations import FileKind, destinations_of
from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.readers import TRIED, Program, Reading

PAGE = Path(__file__).parents[1] / "docs" / "families.md"
HEAD = """# Model families

What is trained of each model type, and the formats (`output_model_format`) in which it can be saved; what these hold
says [methods.md](methods.md). `LORA` stands for all adapters: LoRA, LoHa, LoKr, OFT and DoRA. Made by
`python scripts/family_table.py` from the catalogue that the page, the checks and the trainer obey
(`src/onetrainer_web/config/families.py`). Each family passes `tests/engine/test_families.py` with a small model of the
same architecture; none was tried with published weights yet.

"""
METHODS = (TrainingMethod.FINE_TUNE, TrainingMethod.LORA, TrainingMethod.EMBEDDING, TrainingMethod.FINE_TUNE_VAE)
JOINS = r" \*"
"""Behind a format."""
FOOT = (
    rf"{JOINS.strip()} joins layers as the original code does, which LoRA and LoHa can follow, in `COMFY_LORA` also "
    "DoRA and LoKr."
)
READERS_HEAD = """## Who reads which adapter file

A plain LoRA of all layers, with and without trained text encoders. The usual formats, which a new configuration has and
`SAFETENSORS` stands for, are bold: of those that ComfyUI reads best the one that most programs read, which depends on
whether a text encoder is trained. Empty: the program does not know the model. Diffusers reads `DIFFUSERS_LORA` of every
model, but that of PRX by peft alone, since its pipeline has no method for it; for OneTrainer see below. The page and
the checks know the same table (`src/onetrainer_web/config/readers.py`).

"""
OTHERS_TRIED = {
    "OneTrainer": "Nerogar/OneTrainer 23df3832: its loader and its saver of adapters, those of its model types",
    "LyCORIS": "KohakuBlueleaf/LyCORIS f49d30d: its modules on Stable Diffusion, by merged weights, both ways",
    "SwarmUI": "mcmonkeyprojects/SwarmUI 062407c7: the names by which it sorts models, and its folders, in its source",
}
"""Programs that have no column."""
KINDS = """Other kinds of adapters, by what is said of a LoRA above:

- ComfyUI reads LoHa, LoKr and DoRA by input in the formats in which it reads a LoRA. Of Hunyuan Video, Lumina and
  Ideogram 4 it has no names for the parts of joined attention layers, and what a DoRA or LoKr does to the parts is
  neither a DoRA nor a LoKr of the whole, so it passes over those layers: train a LoRA or a LoHa. Of Ovis-Image the same
  holds for the feed-forward layers. It applies lengths by output wrong (it divides by those of the unchanged weight).
- Forge reads what ComfyUI reads of Stable Diffusion 1.5 to XL and FLUX.1, and of Stable Diffusion 3 and Chroma LoHa.
- InvokeAI reads all three of Stable Diffusion; LoHa of FLUX.1 and FLUX.2 in `COMFY_LORA`; LoKr of Qwen-Image, Wan and
  Anima in `KOHYA_LORA`, of Anima also in `COMFY_LORA`; DoRA of Krea 2, of Anima in `KOHYA_LORA`, and of Qwen-Image and
  Z-Image in `LEGACY_LORA`. In other formats it takes a DoRA of these, and of FLUX.2 and Wan, for a plain LoRA; nothing
  else is read.
- sd-scripts takes a DoRA for a plain LoRA and reads no other kind.
- A `COMFY_LORA` file of a DoRA or LoKr in which layers stand apart (\\*) is for ComfyUI and this program.
- OFT is read by OneTrainer and this program.

Where a program does not read all of a usual format, it cannot in any format that ComfyUI reads whole:

- sd-scripts has adapters in the blocks alone, and reads its own names only.
- InvokeAI knows FLUX.1 in kohya's names by a pattern of the blocks, in which no other layer may stand; of FLUX.2 in the
  original names it has none for the last modulation, of Wan none for the embedders, and of Anima in kohya's names none
  but those of the blocks; and it has no place for text encoders of Qwen-Image and Wan.
- Forge refuses a file in which more than 12 keys are unknown to it, as text encoders are that it names otherwise.

OneTrainer reads all formats of its models, but not `KOHYA_LORA` and `COMFY_LORA` of Stable Cascade and `COMFY_LORA` of
Hunyuan Video, whose layers ComfyUI names otherwise, and of `COMFY_LORA` of Qwen-Image not the layers of the text
encoder that look at pictures.

Of whole models in one file (Stable Diffusion 1.5 to 3.5, with text encoders and autoencoder), and of denoisers in one
file, ComfyUI finds every weight that it draws with, in its size, and has a place for each.

Tried with:

"""
READERS_FOOT = KINDS + "".join(f"- {program} {source}\n" for program, source in (*TRIED.items(), *OTHERS_TRIED.items()))

RESULTS = {
    "adapter": FileKind.ADAPTER,
    "embedding": FileKind.EMBEDDING,
    "whole model in one file": FileKind.MODEL,
    "denoiser in one file": FileKind.DENOISER,
    "folder of diffusers": FileKind.FOLDER,
}
"""What comes out of a run."""
DESTINATIONS_HEAD = """## Where a result goes

The folder of each program that takes it, or the line of code; then the program is to read its list of models again.
The page says the same beside each model of a run, with a first prompt; `onetrainer-web model info FILE` says it of any
file, with what it is, who reads it and what is wrong with it.

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The whole page."""
    rows = [["model", "`model_type`", *(f"`{method.value}`" for method in METHODS)]]
    rows.append(["---"] * len(rows[0]))
    for model_type, facts in MODEL_TYPES.items():
        if facts.trained_here:
            rows.append([facts.label, f"`{model_type.value}`", *(formats(facts, method) for method in METHODS)])
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    readers = f"{READERS_HEAD}{readers_table()}\n{READERS_FOOT}"
    return f"{HEAD}{table}\n{FOOT}\n\n{readers}\n{DESTINATIONS_HEAD}{destinations_table()}"


def readers_table() -> str:
    """Who reads which adapter files: a row for each format of models that are read alike."""
    labels: dict[int, list[str]] = {}
    rows = {id(facts.readers): facts for facts in MODEL_TYPES.values() if facts.readers}
    for facts in MODEL_TYPES.values():
        if facts.is_listed and facts.readers:
            labels.setdefault(id(facts.readers), []).append(facts.label)
    lines = [["model", "format", *Program], ["---"] * (len(Program) + 2)]
    for key, facts in rows.items():
        usual = {facts.usual_format(TrainingMethod.LORA, has_text=has_text) for has_text in (False, True)}
        for name, readings in facts.readers.items():
            shown = f"**`{name.value}`**" if name in usual else f"`{name.value}`"
            cells = (cell(readings.get(program)) for program in Program)
            lines.append([", ".join(labels[key]) if name is next(iter(facts.readers)) else "", shown, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def destinations_table() -> str:
    """Where a result goes: a row for each program, and what a prompt says there."""
    lines = [["program", *RESULTS, "prompt with an adapter", "prompt with an embedding"]]
    lines.append(["---"] * len(lines[0]))
    by_kind = {
        kind: {one.program: one for one in destinations_of(kind, "NAME", "WORDS", "WORDS")} for kind in RESULTS.values()
    }
    for program in by_kind[FileKind.ADAPTER]:
        places = [by_kind[kind].get(program) for kind in RESULTS.values()]
        prompts = [by_kind[kind].get(program) for kind in (FileKind.ADAPTER, FileKind.EMBEDDING)]
        cells = [f"`{one.place}`" if one else "" for one in places]
        cells += [f"`{one.prompt}`" if one and not one.is_code else "" for one in prompts]
        lines.append([program, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(reading: Reading | None) -> str:
    """What a program does with a format."""
    if reading is None:
        return ""
    plain, with_text = reading.fault(has_text=False), reading.fault(has_text=True)
    if plain == with_text:
        return plain or "all"
    return f"{plain}, and {with_text.removeprefix(f'{plain} and ')}" if plain else f"all, but {with_text}"


def formats(facts: ModelFacts, method: TrainingMethod) -> str:
    """The formats of a method's result."""
    known = facts.formats[method] if method in facts.trained_here else ()
    return ", ".join(f"`{name.value}`{JOINS if name in facts.joined_formats else ''}" for name in known)


if __name__ == "__main__":
    main()
