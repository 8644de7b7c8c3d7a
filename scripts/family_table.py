"""Writes docs/families.md from the catalogue of model types: `python scripts/family_table.py`."""

from pathlib import Path

from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES, ModelFacts

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
FOOT = rf"{JOINS.strip()} joins layers as the original code does, which only a plain LoRA can follow."


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The whole page."""
    rows = [("model", "`model_type`", *(f"`{method.value}`" for method in METHODS))]
    rows.append(("---",) * len(rows[0]))
    for model_type, facts in MODEL_TYPES.items():
        if facts.trained_here:
            rows.append((facts.label, f"`{model_type.value}`", *(formats(facts, method) for method in METHODS)))
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    left = [f"{facts.label} (`{name}`)" for name, facts in MODEL_TYPES.items() if not facts.trained_here]
    return f"{HEAD}{table}\n{FOOT}\n\nRead, shown and checked, but refused at the start: {', '.join(left)}.\n"


def formats(facts: ModelFacts, method: TrainingMethod) -> str:
    """The formats of a method's result."""
    known = facts.formats[method] if method in facts.trained_here else ()
    return ", ".join(f"`{name.value}`{JOINS if name in facts.joined_formats else ''}" for name in known)


if __name__ == "__main__":
    main()
