"""The optimizers: one row of the table each. To add one, see docs/adding-an-optimizer.md."""

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch
from torch.nn import Parameter

from onetrainer_web.config.devices import devices_of
from onetrainer_web.config.enums import LearningRateScaler, Optimizer
from onetrainer_web.config.optimizer_tables import LIBRARIES, effective_parameters
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.muon import MUONS, split_groups
from onetrainer_web.engine.runtime.errors import LibraryMissingError, OptimizerSettingsError
from onetrainer_web.engine.seams.interfaces import ParameterGroup

Groups = list[dict[str, Any]]
Values = Mapping[str, Any]


def _implementation(values: Values) -> dict[str, bool]:
    """Which of torch's implementations computes: the one that was asked for, else fused, the fastest."""
    if values.get("fused") or not values.get("foreach"):
        return {"fused": True}
    return {"foreach": True}


def _fused_steps(values: Values) -> dict[str, bool]:
    """The library wants to know; the steps themselves are called by `weight_updates`."""
    return {"fused_back_pass": values["fused_back_pass"]}


def _nothing(_values: Values) -> dict[str, bool]:
    return {}


@dataclass(frozen=True)
class Row:
    """How an optimizer is built: its class, and which of OneTrainer's settings each argument takes."""

    library: str
    """The module that has the class; imported only by runs that use it."""
    class_name: str
    arguments: Mapping[str, str | tuple[str, ...]]
    """Argument → setting, or settings that make a tuple."""
    fixed: Mapping[str, Any]
    more: Callable[[Values], Mapping[str, Any]] = _nothing
    """Arguments that several settings decide together."""
    grouped: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What each group of parameters has to hold besides."""

    def build(self, groups: Groups, values: Values) -> torch.optim.Optimizer:
        """Make the optimizer over some groups; `values` has every setting of this optimizer."""
        kind = getattr(importlib.import_module(self.library), self.class_name)
        taken = {
            argument: values[setting] if isinstance(setting, str) else tuple(values[name] for name in setting)
            for argument, setting in self.arguments.items()
        }
        groups = [{**group, **self.grouped} for group in groups]
        return kind(groups, **taken, **self.fixed, **self.more(values))


def _adv_switches(values: Values) -> dict[str, Any]:
    """What adv_optm calls otherwise than OneTrainer's settings do."""
    chosen = {"compiled_optimizer": values["compile"]}
    return chosen | {"orthogonal_gradient": "flattened" if values["orthogonal_gradient"] else "disabled"}


_TWO_BETAS = ("beta1", "beta2")
_THREE_BETAS = ("beta1", "beta2", "beta3")


def _row(
    path: str,
    same: str = "",
    fixed: Mapping[str, Any] | None = None,
    more: Callable[[Values], Mapping[str, Any]] = _nothing,
    **renamed: str | tuple[str, ...],
) -> Row:
    """A row: `same` lists the settings that the library calls as OneTrainer does, `renamed` gives the others."""
    library, _, class_name = path.rpartition(".")
    return Row(library, class_name, {name: name for name in same.split()} | renamed, fixed or {}, more)


_ADAM = "eps weight_decay amsgrad maximize"
_BITSANDBYTES = "bitsandbytes.optim"
_ADV = "weight_decay cautious_wd nnmf_factor stochastic_rounding"
_MUON_ADV = (
    f"{_ADV} nesterov ns_steps rms_rescaling normuon_variant low_rank_ortho ortho_rank accelerated_ns approx_mars"
)
_RATE = {"lr": 0.0}
"""Some libraries insist on a rate, though each group has its own."""

OPTIMIZERS: Mapping[Optimizer, Row] = MappingProxyType(
    {
        Optimizer.ADAMW: _row("torch.optim.AdamW", _ADAM, betas=_TWO_BETAS, more=_implementation),
        Optimizer.ADAM: _row("torch.optim.Adam", _ADAM, betas=_TWO_BETAS, more=_implementation),
        Optimizer.SGD: _row(
            "torch.optim.SGD", "momentum dampening weight_decay nesterov maximize", fixed={"foreach": True}
        ),
        Optimizer.ADAGRAD: _row(
            "torch.optim.Adagrad", "lr_decay weight_decay initial_accumulator_value eps", fixed={"foreach": True}
        ),
        Optimizer.RMSPROP: _row(
            "torch.optim.RMSprop", "alpha eps weight_decay momentum centered", fixed={"foreach": True}
        ),
        # Without a rate of its own, relative_step may choose one; the groups have theirs.
        Optimizer.ADAFACTOR: _row(
            "transformers.optimization.Adafactor",
            "clip_threshold decay_rate beta1 weight_decay scale_parameter relative_step warmup_init",
            eps=("eps", "eps2"),
            fixed={"lr": None},
        ),
        Optimizer.PRODIGY: _row(
            "prodigyopt.Prodigy",
            "beta3 eps weight_decay decouple use_bias_correction safeguard_warmup d0 d_coef growth_rate slice_p",
            betas=_TWO_BETAS,
        ),
        Optimizer.PRODIGY_PLUS_SCHEDULE_FREE: _row(
            "prodigyplus.prodigy_plus_schedulefree.ProdigyPlusScheduleFree",
            "beta3 weight_decay weight_decay_by_lr d0 d_coef d_limiter prodigy_steps schedulefree_c eps split_groups "
            "split_groups_mean factored factored_fp32 use_bias_correction use_stableadamw use_schedulefree use_speed "
            "stochastic_rounding use_cautious use_grams use_adopt use_orthograd",
            more=_fused_steps,
            betas=_TWO_BETAS,
        ),
        Optimizer.SCHEDULE_FREE_ADAMW: _row(
            "schedulefree.AdamWScheduleFree", "eps weight_decay r weight_lr_power foreach", betas=_TWO_BETAS
        ),
        Optimizer.SCHEDULE_FREE_SGD: _row(
            "schedulefree.SGDScheduleFree", "momentum weight_decay r weight_lr_power foreach"
        ),
        Optimizer.CAME: _row("pytorch_optimizer.CAME", "eps2 weight_decay", betas=_THREE_BETAS, eps1="eps"),
        Optimizer.CAME_8BIT: _row(
            "onetrainer_web.engine.optimization.came_8bit.Came8bit",
            "eps2 weight_decay min_8bit_size quant_block_size",
            betas=_THREE_BETAS,
            eps1="eps",
        ),
        Optimizer.LION: _row("pytorch_optimizer.Lion", "weight_decay", betas=_TWO_BETAS),
        Optimizer.ADOPT: _row(
            "pytorch_optimizer.ADOPT",
            "weight_decay eps cautious",
            betas=_TWO_BETAS,
            weight_decouple="decoupled_decay",
            fixed_decay="fixed_decay",
        ),
        Optimizer.ADABELIEF: _row(
            "pytorch_optimizer.AdaBelief",
            "weight_decay eps rectify degenerated_to_sgd",
            betas=_TWO_BETAS,
            ams_bound="amsgrad",
            weight_decouple="decoupled_decay",
            fixed_decay="fixed_decay",
        ),
        Optimizer.TIGER: _row(
            "pytorch_optimizer.Tiger",
            "weight_decay",
            beta="beta1",
            weight_decouple="decoupled_decay",
            fixed_decay="fixed_decay",
        ),
        Optimizer.AIDA: _row(
            "pytorch_optimizer.Aida",
            "k xi weight_decay rectify n_sma_threshold degenerated_to_sgd ams_bound eps adanorm adam_debias",
            betas=_TWO_BETAS,
            adanorm_r="r",
            weight_decouple="decoupled_decay",
            fixed_decay="fixed_decay",
        ),
        Optimizer.YOGI: _row(
            "pytorch_optimizer.Yogi",
            "weight_decay eps initial_accumulator adam_debias",
            betas=_TWO_BETAS,
            weight_decouple="decoupled_decay",
            fixed_decay="fixed_decay",
        ),
        Optimizer.DADAPT_ADA_GRAD: _row("pytorch_optimizer.DAdaptAdaGrad", "momentum weight_decay eps d0 growth_rate"),
        Optimizer.DADAPT_ADAM: _row(
            "pytorch_optimizer.DAdaptAdam",
            "eps weight_decay d0 growth_rate",
            betas=_TWO_BETAS,
            weight_decouple="decouple",
            bias_correction="use_bias_correction",
        ),
        Optimizer.DADAPT_ADAN: _row(
            "pytorch_optimizer.DAdaptAdan",
            "eps weight_decay d0 growth_rate",
            betas=_THREE_BETAS,
            weight_decouple="no_prox",
        ),
        Optimizer.DADAPT_LION: _row(
            "pytorch_optimizer.DAdaptLion", "weight_decay d0", betas=_TWO_BETAS, fixed={"weight_decouple": True}
        ),
        Optimizer.DADAPT_SGD: _row("pytorch_optimizer.DAdaptSGD", "momentum weight_decay d0 growth_rate"),
        Optimizer.ADAM_8BIT: _row(
            f"{_BITSANDBYTES}.Adam8bit", "eps weight_decay min_8bit_size is_paged", betas=_TWO_BETAS
        ),
        Optimizer.ADAMW_8BIT: _row(
            f"{_BITSANDBYTES}.AdamW8bit", "eps weight_decay min_8bit_size is_paged", betas=_TWO_BETAS
        ),
        Optimizer.AdEMAMix: _row(f"{_BITSANDBYTES}.AdEMAMix", "alpha eps weight_decay is_paged", betas=_THREE_BETAS),
        Optimizer.AdEMAMix_8BIT: _row(
            f"{_BITSANDBYTES}.AdEMAMix8bit", "alpha eps weight_decay min_8bit_size is_paged", betas=_THREE_BETAS
        ),
        Optimizer.ADAGRAD_8BIT: _row(f"{_BITSANDBYTES}.Adagrad8bit", "eps weight_decay min_8bit_size"),
        Optimizer.LION_8BIT: _row(f"{_BITSANDBYTES}.Lion8bit", "weight_decay min_8bit_size is_paged", betas=_TWO_BETAS),
        Optimizer.RMSPROP_8BIT: _row(f"{_BITSANDBYTES}.RMSprop8bit", "alpha eps weight_decay momentum min_8bit_size"),
        Optimizer.SGD_8BIT: _row(f"{_BITSANDBYTES}.SGD8bit", "momentum dampening weight_decay min_8bit_size", _RATE),
        Optimizer.LAMB: _row(f"{_BITSANDBYTES}.LAMB", "eps weight_decay max_unorm", betas=_TWO_BETAS),
        Optimizer.LARS: _row(f"{_BITSANDBYTES}.LARS", "momentum weight_decay max_unorm", _RATE),
        Optimizer.LAMB_8BIT: _row(f"{_BITSANDBYTES}.LAMB8bit", "eps weight_decay min_8bit_size", betas=_TWO_BETAS),
        Optimizer.LARS_8BIT: _row(f"{_BITSANDBYTES}.LARS8bit", "momentum weight_decay min_8bit_size", _RATE),
        Optimizer.ADAMW_ADV: _row(
            "adv_optm.AdamW_adv", f"{_ADV} eps use_atan2 kourkoutas_beta", more=_adv_switches, betas=_TWO_BETAS
        ),
        Optimizer.ADOPT_ADV: _row(
            "adv_optm.Adopt_adv", f"{_ADV} eps use_atan2 kourkoutas_beta", more=_adv_switches, betas=_TWO_BETAS
        ),
        # Version 2.5 asks its groups for this when it takes up a state, and never writes it.
        Optimizer.LION_ADV: replace(
            _row("adv_optm.Lion_adv", f"{_ADV} auto_kappa_p", more=_adv_switches, betas=_TWO_BETAS),
            grouped={"actual_state_precision": "auto"},
        ),
        Optimizer.SIGNSGD_ADV: _row("adv_optm.SignSGD_adv", f"{_ADV} momentum", more=_adv_switches),
        Optimizer.PRODIGY_ADV: _row(
            "adv_optm.Prodigy_adv",
            f"{_ADV} eps use_atan2 kourkoutas_beta beta3 d0 d_coef growth_rate slice_p prodigy_steps d_limiter",
            more=_adv_switches,
            betas=_TWO_BETAS,
        ),
        Optimizer.MUON: _row("pytorch_optimizer.Muon", "momentum weight_decay"),
        Optimizer.MUON_ADV: _row("adv_optm.Muon_adv", f"{_MUON_ADV} beta1 beta2_normuon", more=_adv_switches),
        Optimizer.ADAMUON_ADV: _row(
            "adv_optm.AdaMuon_adv", f"{_MUON_ADV} eps use_atan2", more=_adv_switches, betas=_TWO_BETAS
        ),
    }
)


@dataclass(frozen=True)
class _Sizes:
    batch: int
    accumulation: int
    devices: int


_SCALES: Mapping[LearningRateScaler, Callable[[_Sizes], int]] = MappingProxyType(
    {
        LearningRateScaler.NONE: lambda sizes: 1,  # noqa: ARG005 - one signature for all rows
        LearningRateScaler.BATCH: lambda sizes: sizes.batch,
        LearningRateScaler.GLOBAL_BATCH: lambda sizes: sizes.batch * sizes.devices,
        LearningRateScaler.GRADIENT_ACCUMULATION: lambda sizes: sizes.accumulation,
        LearningRateScaler.BOTH: lambda sizes: sizes.batch * sizes.accumulation,
        LearningRateScaler.GLOBAL_BOTH: lambda sizes: sizes.batch * sizes.accumulation * sizes.devices,
    }
)


def scale_of(config: TrainConfig, scaler: str) -> int:
    """The number that a learning-rate or loss scaler stands for; on one device, global sizes are the local ones.

    Several devices that shall train as one does (`keep_effective_batch`) are scaled as one.
    """
    num_devices = 1 if config.keep_effective_batch else len(devices_of(config))
    sizes = _Sizes(config.batch_size, config.gradient_accumulation_steps, num_devices)
    return _SCALES[LearningRateScaler(scaler)](sizes)


def create_optimizer(config: TrainConfig, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
    """The optimizer over `groups`, each with its own learning rate times the square root of the scaler.

    Raises:
        LibraryMissingError: The library that has it is not installed.
        OptimizerSettingsError: It does not accept its settings.
    """
    chosen = config.optimizer.optimizer
    scale = math.sqrt(scale_of(config, config.learning_rate_scaler))
    if chosen in MUONS:
        parameters = split_groups(groups, config.optimizer, scale)
    else:
        parameters = [
            {"params": list(group.parameters.values()), "lr": group.learning_rate * scale, "name": group.name}
            for group in groups
        ]
    try:
        optimizer = OPTIMIZERS[chosen].build(parameters, effective_parameters(config.optimizer))
    except ModuleNotFoundError as error:
        raise LibraryMissingError(chosen.value, LIBRARIES[chosen]) from error
    except (ValueError, NotImplementedError) as error:
        raise OptimizerSettingsError(chosen.value, error) from error
    _set_training(optimizer, is_training=True)
    return optimizer


def effective_rate(group: Mapping[str, Any]) -> float:
    """The learning rate of one of an optimizer's groups; optimizers that find their own rate multiply it by `d`."""
    return float(group["lr"]) * float(group.get("d", 1.0))


@contextmanager
def drawing_weights(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Let the model work with the weights that are meant for use; those that train come back bit for bit.

    Schedule-free optimizers (Defazio et al. 2024) train other weights than they give out. Going there and back by
    their own `eval` and `train` rounds, so that a sample would change the training.
    """
    if not hasattr(optimizer, "eval"):
        yield
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    own = [parameter.detach().clone() for parameter in parameters]
    _set_training(optimizer, is_training=False)
    try:
        yield
    finally:
        _set_training(optimizer, is_training=True)
        with torch.no_grad():
            for parameter, weight in zip(parameters, own, strict=True):
                parameter.copy_(weight)


def _set_training(optimizer: Any, *, is_training: bool) -> None:
    """Switch a schedule-free optimizer; others have no such modes."""
    if hasattr(optimizer, "eval"):
        optimizer.train() if is_training else optimizer.eval()


def clip_gradients(parameters: Sequence[Parameter], max_norm: float | None) -> None:
    """Shorten the joint gradient of all `parameters` to `max_norm`; None leaves it as it is."""
    if max_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, max_norm, foreach=True)
