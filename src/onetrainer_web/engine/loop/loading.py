"""From a configuration to a model that trains or draws: the one way that all runs load theirs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.methods import method_of
from onetrainer_web.engine.parts.circular import wrap_edges, wraps_edges
from onetrainer_web.engine.parts.embedding_setup import add_embeddings
from onetrainer_web.engine.parts.frozen import shrink_parts
from onetrainer_web.engine.parts.speed import compile_blocks, set_attention
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.seams.interfaces import Family, LoadRequest, Method, Model, ParameterGroup
from onetrainer_web.engine.seams.precision import Precision, set_up_precision
from onetrainer_web.engine.weights.location import locate

log = logging.getLogger("onetrainer_web.engine")


@dataclass(frozen=True)
class Loaded:
    """A model with the embeddings and adapters that belong to it."""

    model: Model
    method: Method
    groups: list[ParameterGroup]
    """What learns; empty for a model that only draws and has no adapter."""


def load_model(
    config: TrainConfig,
    resolve: Callable[[str], Path],
    reporter: Reporter,
    backup: Path | None = None,
    *,
    draws_only: bool = False,
    device: torch.device | None = None,
) -> Loaded:
    """Load what a configuration describes, in the number formats and places that it names.

    Args:
        config: The run's configuration.
        resolve: Makes a path of the configuration absolute.
        reporter: Told what is done, and what cannot be done as asked for.
        backup: Where trained weights lie; None starts from the files that the configuration names.
        draws_only: Whether nothing is to learn: only an adapter that the configuration names is added then.
        device: Where it is to be computed; None is what the configuration says.

    Raises:
        OneTrainerWebError: It cannot be loaded, or leaves nothing to train.
    """
    family, method_class = family_of(config.model_type), method_of(config)
    if not backup:
        method_class.check_files(config, resolve)
    precision, warning = set_up_precision(config)
    if device:
        precision = replace(precision, device=device)
    elif warning:
        reporter.warn(warning)
    base = backup if method_class.resumes_as_base else None
    model = _load_base(config, family, resolve, reporter, base, precision)
    words = add_embeddings(family, model, config, resolve, backup)
    method = method_class(family, model, config, resolve)
    has_method = not draws_only or bool(config.lora_model_name)
    groups = [*(method.prepare(backup) if has_method else []), *words]
    if not draws_only:
        method.check_output()
    if wraps_edges(config):
        wrap_edges(network for _, network in model.modules())
    _set_up_speed(model, config, family, reporter)
    for note in model.notes:
        reporter.warn(note)
    return Loaded(model, method, groups)


def _load_base(
    config: TrainConfig,
    family: Family,
    resolve: Callable[[str], Path],
    reporter: Reporter,
    backup: Path | None,
    precision: Precision,
) -> Model:
    reporter.activity(Doing.LOADING)
    log.info("Loading %s", config.base_model_name)
    location = backup or locate(config.base_model_name, resolve)
    request = LoadRequest(config.base_model_name, location, config, resolve)
    components = family.load(request)
    objective = family.objective(components, config, precision.device)
    model = Model(components, precision, objective, config.base_model_name, notes=request.notes)
    shrink_parts(model, config, family.denoiser)
    for _, network in model.modules():
        network.to(precision.device)
    return model


def _set_up_speed(model: Model, config: TrainConfig, family: Family, reporter: Reporter) -> None:
    network = model.module(family.denoiser)
    without = [set_attention(network, config.attention_mechanism)]
    if config.compile:
        without.append(compile_blocks(network))
    for reason in filter(None, without):
        reporter.warn(reason)
