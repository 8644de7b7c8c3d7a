"""Models without their weights: networks of the right sizes, for who wants to know what a training will hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from huggingface_hub import try_to_load_from_cache
from torch import nn
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import CLIP_TOKENS, facts
from onetrainer_web.engine.runtime.errors import ModelNotFoundError
from onetrainer_web.engine.seams.precision import default_type, set_type
from onetrainer_web.engine.weights.diffusers_folder import OwnScheduler, load_piece, made_by
from onetrainer_web.engine.weights.published import UNKNOWN, published_settings
from onetrainer_web.files.json_files import load_json

_WORDS = ("<pad>", "<s>", "</s>", "<unk>", "word")
_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


@dataclass
class Blueprints:
    """Makes the pieces of a model as its own files describe them, or as it was published where they are not here."""

    model_type: ModelType
    name: str
    """As configured."""
    found: list[str] = field(default_factory=list[str])
    """Networks that were made from their own files."""
    missing: list[str] = field(default_factory=list[str])
    """Those that were made in their published sizes."""

    def make(self, kind: Any, location: Path | str, subfolder: str | None, dtype: torch.dtype | None) -> Any:
        """A piece as `load_piece` is asked for it; networks without weights worth anything.

        Raises:
            ModelNotFoundError: How large it is, is not known here.
        """
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            return self._network(kind, location, subfolder, dtype or torch.float32)
        if _place(location, subfolder, _config_name(kind)) is not None:
            with made_by_nobody():
                return load_piece(kind, location, subfolder, is_offline=True)
        if "okeniz" in kind.__name__:
            return _tokenizer(CLIP_TOKENS if kind.__name__.startswith("CLIP") else None)
        if kind is OwnScheduler:
            return FlowMatchEulerDiscreteScheduler()
        if isinstance(kind, type) and issubclass(kind, ConfigMixin) and hasattr(kind, "step"):
            return kind.from_config({})
        is_large = "flux.2-dev" in self.name.lower()
        return {"_class_name": "Flux2Pipeline"} if self.model_type is ModelType.FLUX_2 and is_large else {}

    def _network(self, kind: Any, location: Path | str, subfolder: str | None, dtype: torch.dtype) -> nn.Module:
        part = subfolder or facts(self.model_type).denoiser
        own = _place(location, subfolder, "config.json")
        if own is None and part in UNKNOWN:
            reason = "its files are not here, and how large it is, is not known without them."
            raise ModelNotFoundError(f"{self.name}/{part}", reason)
        settings: Mapping[str, Any] = load_json(own) if own else published_settings(self.model_type, self.name, part)
        (self.missing if own is None else self.found).append(part)
        with default_type(dtype):
            if kind.__module__.startswith("transformers"):
                config = kind.config_class.from_dict(dict(settings)) if own else kind.config_class(**settings)
                network: Any = kind(config)
            else:
                network = kind.from_config(dict(settings)) if own else kind(**settings)
        set_type(network, dtype)
        return network.eval().requires_grad_(False)


def made_by_nobody() -> Any:
    """Load pieces as usual within."""
    return made_by(None)


def _config_name(kind: Any) -> str:
    if "okeniz" in kind.__name__:
        return "tokenizer_config.json"
    return getattr(kind, "config_name", "scheduler_config.json")


def _place(location: Path | str, subfolder: str | None, name: str) -> Path | None:
    """Where a file of a model is on this machine."""
    if isinstance(location, Path):
        path = location / (subfolder or "") / name
        return path if path.is_file() else None
    found = try_to_load_from_cache(location, f"{subfolder}/{name}".removeprefix("None/"))
    return Path(found) if isinstance(found, str) else None


def _tokenizer(length: int | None) -> PreTrainedTokenizerBase:
    """One that makes of every prompt as many tokens as it is asked for."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    words = Tokenizer(WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        **({"model_max_length": length} if length else {}),
    )
    made.chat_template = _TEMPLATE
    return made
