"""Why some settings of OneTrainer have no effect on a run here: one table for messages, page and documentation.

`python -m onetrainer_web.config.not_obeyed` prints the table of docs/configuration.md.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType

from onetrainer_web.config.optimizer_tables import LACKING

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "cloud*": "a machine elsewhere runs a server of its own; this one starts no other machines",
        "secrets.cloud*": "a machine elsewhere runs a server of its own",
        "temp_device": "the model stays on the training device while it trains",
        "async_offloading": "layers outside the device are fetched when they are needed",
        "fallback_train_dtype": "every part computes in train_dtype",
        "tensorboard_*": "the server shows TensorBoard over all runs, on its own address",
        "debug_*": "no debug files are written; the journal and the log tell what happens",
        "samples[].text_encoder_*": "samples see prompts as the training does",
        "samples[].transformer_attention_mask": "samples see prompts as the training does",
        "samples[].length": "no family that is trained here makes sound",
        "sample_*_format": "no family that is trained here makes sound",
        "text_encoder*": "no family that is trained here has this setting",
        "quantization.svd_*": "quantized layers have no correction",
        "quantization.cache_dir": "quantized layers have no correction that could be kept",
        "lokr_vec_trick": "peft computes its adapters by its own rule",
        "*embedding*": "only text encoders have embeddings",
        "vae*": "the autoencoder trains by the method FINE_TUNE_VAE alone",
        "optimizer.*": "the library of the optimizer does not have it",
        "unet.*": "OneTrainer has it for other parts",
        "transformer.*": "OneTrainer has it for other parts",
        "prior.*": "OneTrainer has it for other parts",
        "unconditional_transformer*": "it is used as it is, for samples",
        "effnet_encoder*": "it is used as it is",
        "decoder*": "it is used as it is, for samples",
    }
)
"""By pattern of the path; the first one that fits counts, and only for a setting that is not obeyed."""


UNMEASURED = frozenset({"multi_gpu", "attention_mechanism", "offload_fraction", "activation_offloading", "is_paged"})
"""Settings, by path or last name, that help on a graphics card only and were tried on a processor only."""
_NOT_MEASURED = "Written as its library documents it, and not measured on a graphics card yet."


def reason_of(path: str) -> str:
    """Why the setting at `path` has no effect; nothing where no reason is known."""
    return next((reason for pattern, reason in REASONS.items() if _fits(path, pattern)), "")


def table() -> str:
    """The table of docs/configuration.md: what is not obeyed, and why."""
    from onetrainer_web.config.fields import fields_by_path

    unheeded = [path for path, field in fields_by_path().items() if not field.obeyed]
    rows = ["| Setting | Why it has no effect |", "|---|---|"]
    for pattern, reason in REASONS.items():
        if any(_fits(path, pattern) for path in unheeded):
            rows.append(f"| `{pattern}` | {reason} |")
    rows += ["", "| Optimizer | Of OneTrainer's parameters, these have no effect |", "|---|---|"]
    rows += [f"| `{name.value}` | {', '.join(f'`{key}`' for key in sorted(keys))} |" for name, keys in LACKING.items()]
    return "\n".join(rows)


def note_of(path: str, *, is_obeyed: bool) -> str:
    """What a person should know of a setting beside its help: why it has no effect, or that nobody measured it."""
    if is_obeyed:
        return _NOT_MEASURED if path in UNMEASURED or path.rpartition(".")[2] in UNMEASURED else ""
    reason = reason_of(path)
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _fits(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern.replace("[]", "[[]]"))


if __name__ == "__main__":
    print(table())  # noqa: T201 - that is what it is for
