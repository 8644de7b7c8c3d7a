"""Which layers of a model a configuration chooses, by patterns of its own or by the name of a preset."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.parts import QuantizationConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError

CUSTOM = "custom"
"""The preset that stands for patterns of one's own."""


class UnknownLayerPresetError(InvalidConfigError):
    """A configuration names a preset that its model does not have, and no patterns."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"This model has no layer choice {name[:60]!r}. It has: {', '.join(known)}. Choose one of them, or enter "
            "layer names."
        )


@dataclass(frozen=True)
class LayerFilter:
    """The layers whose name fits one of the patterns; all layers if there is none."""

    patterns: Sequence[str]
    is_regex: bool
    is_preset: bool = False
    """Whether these are patterns of a preset, of which a model may lack some."""

    def fits(self, name: str) -> bool:
        """Whether a layer is chosen."""
        return not self.patterns or any(self._fits(pattern, name) for pattern in self.patterns)

    def complaint(self, key: str, names: Sequence[str]) -> str | None:
        """What is wrong with the patterns for the layers of a model: those that fit none, which are typing errors.

        Args:
            key: The setting, for the sentence.
            names: All layers that could be chosen.
        """
        unused = [pattern for pattern in self.patterns if not any(self._fits(pattern, name) for name in names)]
        if not unused or self.is_preset and len(unused) < len(self.patterns):
            return None
        example = f" Layers are named such as {names[len(names) // 2]!r}." if names else ""
        return f"{key}: {', '.join(map(repr, unused))} fits no layer of the model. Correct or remove it.{example}"

    def _fits(self, pattern: str, name: str) -> bool:
        return bool(re.search(pattern, name)) if self.is_regex else pattern in name


ALL_LAYERS = LayerFilter((), is_regex=False)


def layer_filter_of(settings: TrainConfig | QuantizationConfig, model_type: ModelType) -> LayerFilter:
    """The layers that settings choose. Patterns count, as in OneTrainer; without any, the preset that is named.

    Raises:
        UnknownLayerPresetError: There are no patterns, and the model has no such preset.
    """
    patterns = tuple(pattern.strip() for pattern in settings.layer_filter.split(",") if pattern.strip())
    name, presets = settings.layer_filter_preset, facts(model_type).layer_presets
    if patterns or name == CUSTOM:
        is_preset = any(preset.patterns == patterns for preset in presets.values())
        return LayerFilter(patterns, settings.layer_filter_regex, is_preset)
    if name not in presets:
        raise UnknownLayerPresetError(name, [*presets, CUSTOM])
    return LayerFilter(presets[name].patterns, presets[name].regex, is_preset=True)


def with_patterns(config: TrainConfig) -> TrainConfig:
    """A configuration with the patterns of presets that it only names, which OneTrainer looks at alone."""
    quantization = _spelled_out(config.quantization, config.model_type)
    changes = _spelled_out(config, config.model_type)
    if quantization:
        changes["quantization"] = config.quantization.model_copy(update=quantization)
    return config.model_copy(update=changes) if changes else config


def _spelled_out(settings: TrainConfig | QuantizationConfig, model_type: ModelType) -> dict[str, Any]:
    preset = facts(model_type).layer_presets.get(settings.layer_filter_preset)
    if settings.layer_filter.strip() or preset is None or not preset.patterns:
        return {}
    return {"layer_filter": ",".join(preset.patterns), "layer_filter_regex": preset.regex}
