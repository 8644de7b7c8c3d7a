"""Prints what has no effect, for docs/configuration.md: `python scripts/settings_without_effect.py`."""

from collections.abc import Iterator

from onetrainer_web.config.fields import Field, fields_by_path
from onetrainer_web.config.model_facts import MODEL_PARTS
from onetrainer_web.config.optimizer_tables import LACKING


def table() -> str:
    """What the trainer does not obey, and why; then what the libraries of optimizers lack."""
    return "\n".join([*_settings(), "", *_parameters()])


def _settings() -> Iterator[str]:
    yield "| Why it has no effect | Settings |"
    yield "|---|---|"
    reasons: dict[str, list[str]] = {}
    for path, field in fields_by_path().items():
        if not field.obeyed and not _is_inside_of_such(path):
            reasons.setdefault(field.note, []).append(_shown(field))
    for reason, paths in reasons.items():
        yield f"| {reason} | {', '.join(f'`{path}`' for path in dict.fromkeys(paths))} |"


def _is_inside_of_such(path: str) -> bool:
    """Whether it stands in an object that has no effect as a whole."""
    owner = fields_by_path().get(path.rpartition(".")[0])
    return owner is not None and not owner.obeyed


def _shown(field: Field) -> str:
    """Its path; one row for a setting of all parts to which it means nothing."""
    owner, _, key = field.path.rpartition(".")
    return f"*.{key}" if owner in MODEL_PARTS else field.path


def _parameters() -> Iterator[str]:
    yield "| Optimizer | Of OneTrainer's parameters, these have no effect |"
    yield "|---|---|"
    for name, keys in LACKING.items():
        yield f"| `{name.value}` | {', '.join(f'`{key}`' for key in sorted(keys))} |"


if __name__ == "__main__":
    print(table())
