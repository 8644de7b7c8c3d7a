"""Which layers of the denoiser learn: those that the layer filter chooses, whatever the method."""

from collections.abc import Sequence

from onetrainer_web.config.layer_filters import layer_filter_of
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import NothingToTrainError
from onetrainer_web.engine.seams.interfaces import Model


def choose_layers(model: Model, config: TrainConfig, names: Sequence[str]) -> list[str]:
    """The layers that the configuration chooses; patterns that fit none of them are noted.

    Args:
        model: Its notes take up what is wrong with the filter.
        config: Has the filter.
        names: All layers of the denoiser that could learn.

    Raises:
        NothingToTrainError: No layer is left.
        UnknownLayerPresetError: The model has no such preset.
    """
    chosen = layer_filter_of(config, config.model_type)
    complaint = chosen.complaint("layer_filter", names)
    found = [name for name in names if chosen.fits(name)]
    if not found:
        raise NothingToTrainError(complaint or "No layer of the model can learn in this way.")
    if complaint:
        model.notes.append(complaint)
    return found
