"""Learning rates that are unusual for the method and the optimizer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.enums import Optimizer, TrainingMethod
from onetrainer_web.config.optimizer_tables import ADAPTIVE
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig


@dataclass(frozen=True)
class UsualRates:
    """Between which learning rates nearly all successful trainings lie, and who says so."""

    low: float
    high: float
    source: str


USUAL_RATES = {
    TrainingMethod.LORA: UsualRates(
        1e-5,
        1e-3,
        "diffusers, examples/text_to_image/README.md: 'a much higher learning rate compared to non-LoRA fine-tuning. "
        "Here we use 1e-4 instead of the usual 1e-5'; a factor of ten around it",
    ),
    TrainingMethod.FINE_TUNE: UsualRates(
        1e-7,
        5e-5,
        "the same README: 1e-5; CompVis/stable-diffusion model card v1: 1e-4, but at a batch of 2048 pictures",
    ),
    TrainingMethod.FINE_TUNE_VAE: UsualRates(
        1e-7, 1e-4, "CompVis/latent-diffusion, configs/autoencoder: base_learning_rate 4.5e-6 for each example"
    ),
    TrainingMethod.EMBEDDING: UsualRates(
        1e-4,
        5e-2,
        "Gal et al. 2022, Textual Inversion: 0.005; diffusers, examples/textual_inversion/README.md: 5e-4, scaled",
    ),
}
"""For optimizers that normalise their steps as Adam does."""

ADAPTIVE_RATES = UsualRates(0.1, 10, "konstmish/prodigy, README: 'We recommend using lr=1. (default) for all networks'")
"""For optimizers that find their own rate, whatever the method."""

LION_FACTOR = 1 / 3
"""Chen et al. 2023, Lion, section 5: 'typically 3-10x smaller than that for AdamW'."""

_LION = {Optimizer.LION, Optimizer.LION_8BIT, Optimizer.LION_ADV, Optimizer.TIGER}
_WITHOUT_USUAL_RATE = {
    Optimizer.SGD,
    Optimizer.SGD_8BIT,
    Optimizer.SCHEDULE_FREE_SGD,
    Optimizer.LARS,
    Optimizer.LARS_8BIT,
    Optimizer.ADAGRAD,
    Optimizer.ADAGRAD_8BIT,
    Optimizer.MUON,
}
"""Their steps are as long as the gradients, or of another kind, so that no rate is usual for all models."""


def check_learning_rates(subject: Subject) -> Iterator[Issue]:
    """Rates of the run and of trained parts that are outside what is usual, or zero."""
    config = subject.config
    usual = usual_rates(config)
    if config.optimizer.optimizer == Optimizer.ADAFACTOR and config.optimizer.relative_step:
        return  # it takes none of these rates
    for path, rate in _rates(subject):
        yield from _judge(path, rate, usual, config)


def usual_rates(config: TrainConfig) -> UsualRates:
    """The usual learning rates for the method and optimizer of a configuration."""
    optimizer = config.optimizer.optimizer
    if optimizer in ADAPTIVE:
        return ADAPTIVE_RATES
    usual = USUAL_RATES[config.training_method]
    if optimizer in _WITHOUT_USUAL_RATE:
        return UsualRates(0, math.inf, "none")
    if config.base_model_name == EMBEDDED_MODEL_NAME:
        # The sources speak of models of full size; small networks bear higher rates.
        return UsualRates(usual.low, math.inf, usual.source)
    if optimizer in _LION:
        return UsualRates(usual.low * LION_FACTOR, usual.high * LION_FACTOR, usual.source)
    return usual


def _rates(subject: Subject) -> Iterator[tuple[str, float]]:
    config = subject.config
    if config.training_method == TrainingMethod.EMBEDDING and config.embedding_learning_rate is not None:
        yield "embedding_learning_rate", config.embedding_learning_rate
        return
    yield "learning_rate", config.learning_rate
    for part in subject.facts.parts:
        settings = getattr(config, part)
        if settings.train and settings.learning_rate is not None:
            yield f"{part}.learning_rate", settings.learning_rate


def _judge(path: str, rate: float, usual: UsualRates, config: TrainConfig) -> Iterator[Issue]:
    name = "Learning rate" if path == "learning_rate" else f"Learning rate ({path})"
    purpose = f"{label_of_value(config.training_method)} with {label_of_value(config.optimizer.optimizer)}"
    span = f"{usual.low:.2g} to {usual.high:.2g}" if math.isfinite(usual.high) else f"{usual.low:.2g} or more"
    usually = f"{span} is usual for {purpose}"
    if rate == 0:
        yield warning(path, "rate_zero", f"{name} is 0, so nothing is learned. Enter a rate above 0.")
    elif rate > usual.high:
        message = f"{name} is higher than recommended: {rate:g}, while {usually}. Lower it if samples break."
        yield warning(path, "rate_high", message)
    elif rate < usual.low:
        message = f"{name} is lower than recommended: {rate:g}, while {usually}. Raise it if nothing changes."
        yield warning(path, "rate_low", message)
