"""The training methods, one file each; a method works on any family through the family's description of itself."""

from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.methods.embedding import Embedding
from onetrainer_web.engine.methods.fine_tune import FineTune
from onetrainer_web.engine.methods.fine_tune_vae import FineTuneVae
from onetrainer_web.engine.methods.lora import Lora
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.engine.seams.interfaces import Method

METHODS: dict[TrainingMethod, type[Method]] = {
    TrainingMethod.LORA: Lora,
    TrainingMethod.FINE_TUNE: FineTune,
    TrainingMethod.FINE_TUNE_VAE: FineTuneVae,
    TrainingMethod.EMBEDDING: Embedding,
}


def method_of(config: TrainConfig) -> type[Method]:
    """The training method that a configuration asks for.

    Raises:
        UnsupportedSettingError: This trainer does not know it.
    """
    if config.training_method not in METHODS:
        known = [method.value for method in METHODS]
        raise UnsupportedSettingError("training_method", config.training_method.value, known)
    return METHODS[config.training_method]
