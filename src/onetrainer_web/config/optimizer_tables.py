"""Which parameters each optimizer uses, with the defaults that OneTrainer loads for it."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizers import TrainOptimizerConfig


def _row(*, on: str = "", off: str = "", **values: Any) -> Mapping[str, Any]:
    """Parameters of one optimizer: switches by name, everything else with its value."""
    return MappingProxyType({**values, **dict.fromkeys(on.split(), True), **dict.fromkeys(off.split(), False)})


PARAMETERS: Mapping[Optimizer, Mapping[str, Any]] = MappingProxyType(
    {
        Optimizer.ADAGRAD: _row(
            on="block_wise",
            lr_decay=0,
            weight_decay=0,
            initial_accumulator_value=0,
            eps=1e-10,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.ADAGRAD_8BIT: _row(
            on="block_wise",
            off="fused_back_pass",
            lr_decay=0,
            weight_decay=0,
            initial_accumulator_value=0,
            eps=1e-10,
            optim_bits=8,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.ADAM: _row(
            on="fused",
            off="amsgrad foreach maximize capturable differentiable stochastic_rounding fused_back_pass",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0,
        ),
        Optimizer.ADAM_8BIT: _row(
            on="block_wise",
            off="amsgrad is_paged",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.ADAMW: _row(
            on="fused",
            off="amsgrad foreach maximize capturable differentiable stochastic_rounding fused_back_pass",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0.01,
        ),
        Optimizer.ADAMW_8BIT: _row(
            on="block_wise",
            off="amsgrad is_paged",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0.01,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.ADAMW_ADV: _row(
            on="stochastic_rounding",
            off=(
                "cautious_wd nnmf_factor compile fused_back_pass use_atan2 orthogonal_gradient "
                "use_AdEMAMix kourkoutas_beta"
            ),
            beta1=0.9,
            beta2=0.99,
            eps=1e-08,
            weight_decay=0.0,
            beta3_ema=0.9999,
            alpha=5,
        ),
        Optimizer.AdEMAMix: _row(
            off="is_paged",
            beta1=0.9,
            beta2=0.999,
            beta3=0.9999,
            eps=1e-08,
            alpha=5,
            weight_decay=0.01,
            optim_bits=32,
            min_8bit_size=4096,
        ),
        Optimizer.AdEMAMix_8BIT: _row(
            off="is_paged",
            beta1=0.9,
            beta2=0.999,
            beta3=0.9999,
            eps=1e-08,
            alpha=5,
            weight_decay=0.01,
            min_8bit_size=4096,
        ),
        Optimizer.ADOPT: _row(
            off="decoupled_decay fixed_decay cautious", beta1=0.9, beta2=0.9999, weight_decay=0.0, eps=1e-06
        ),
        Optimizer.ADOPT_ADV: _row(
            on="stochastic_rounding use_atan2",
            off=(
                "cautious_wd nnmf_factor compile fused_back_pass orthogonal_gradient use_AdEMAMix "
                "Simplified_AdEMAMix kourkoutas_beta"
            ),
            beta1=0.9,
            beta2=0.9999,
            eps=1e-06,
            weight_decay=0.0,
            beta3_ema=0.9999,
            alpha=5,
            alpha_grad=100.0,
        ),
        Optimizer.LAMB: _row(
            on="bias_correction adam_w_mode",
            off="amsgrad block_wise",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
            max_unorm=1.0,
        ),
        Optimizer.LAMB_8BIT: _row(
            on="bias_correction adam_w_mode",
            off="amsgrad block_wise",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0,
            min_8bit_size=4096,
            percentile_clipping=100,
            max_unorm=1.0,
        ),
        Optimizer.LARS: _row(
            off="nesterov",
            momentum=0,
            dampening=0,
            weight_decay=0,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
            max_unorm=0.02,
        ),
        Optimizer.LARS_8BIT: _row(
            off="nesterov",
            momentum=0,
            dampening=0,
            weight_decay=0,
            min_8bit_size=4096,
            percentile_clipping=100,
            max_unorm=0.02,
        ),
        Optimizer.LION: _row(off="use_triton", beta1=0.9, beta2=0.99, weight_decay=0.0),
        Optimizer.LION_8BIT: _row(
            on="block_wise",
            off="is_paged",
            beta1=0.9,
            beta2=0.999,
            weight_decay=0,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.LION_ADV: _row(
            on="stochastic_rounding auto_kappa_p",
            off="cautious_wd nnmf_factor compile fused_back_pass orthogonal_gradient",
            beta1=0.9,
            beta2=0.99,
            weight_decay=0.0,
            clip_threshold=None,
        ),
        Optimizer.RMSPROP: _row(
            on="block_wise",
            off="centered",
            alpha=0.99,
            eps=1e-08,
            weight_decay=0,
            momentum=0,
            optim_bits=32,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.RMSPROP_8BIT: _row(
            on="block_wise",
            off="centered",
            alpha=0.99,
            eps=1e-08,
            weight_decay=0,
            momentum=0,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.SGD: _row(off="nesterov foreach maximize differentiable", momentum=0, dampening=0, weight_decay=0),
        Optimizer.SGD_8BIT: _row(
            on="block_wise",
            off="nesterov",
            momentum=0,
            dampening=0,
            weight_decay=0,
            min_8bit_size=4096,
            percentile_clipping=100,
        ),
        Optimizer.SIGNSGD_ADV: _row(
            on="stochastic_rounding",
            off="cautious_wd nnmf_factor compile fused_back_pass orthogonal_gradient Simplified_AdEMAMix",
            momentum=0.95,
            weight_decay=0.0,
            alpha_grad=100.0,
        ),
        Optimizer.SCHEDULE_FREE_ADAMW: _row(
            off="foreach", beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01, r=0.0, weight_lr_power=2.0
        ),
        Optimizer.SCHEDULE_FREE_SGD: _row(off="foreach", momentum=0, weight_decay=0.01, r=0.0, weight_lr_power=2.0),
        Optimizer.DADAPT_ADA_GRAD: _row(
            momentum=0, log_every=0, weight_decay=0.0, eps=0.0, d0=1e-06, growth_rate=math.inf
        ),
        Optimizer.DADAPT_ADAM: _row(
            off="decouple use_bias_correction fsdp_in_use",
            beta1=0.9,
            beta2=0.999,
            eps=1e-08,
            weight_decay=0,
            log_every=0,
            d0=1e-06,
            growth_rate=math.inf,
        ),
        Optimizer.DADAPT_ADAN: _row(
            off="no_prox",
            beta1=0.98,
            beta2=0.92,
            beta3=0.99,
            eps=1e-08,
            weight_decay=0.02,
            log_every=0,
            d0=1e-06,
            growth_rate=math.inf,
        ),
        Optimizer.DADAPT_LION: _row(off="fsdp_in_use", beta1=0.9, beta2=0.999, weight_decay=0.0, log_every=0, d0=1e-06),
        Optimizer.DADAPT_SGD: _row(
            off="fsdp_in_use", momentum=0.0, weight_decay=0, log_every=0, d0=1e-06, growth_rate=math.inf
        ),
        Optimizer.PRODIGY: _row(
            on="decouple",
            off="use_bias_correction safeguard_warmup fsdp_in_use",
            beta1=0.9,
            beta2=0.999,
            beta3=None,
            eps=1e-08,
            weight_decay=0,
            d0=1e-06,
            d_coef=1.0,
            growth_rate=math.inf,
            slice_p=11,
        ),
        Optimizer.PRODIGY_PLUS_SCHEDULE_FREE: _row(
            on=(
                "weight_decay_by_lr split_groups factored factored_fp32 use_stableadamw d_limiter "
                "stochastic_rounding use_schedulefree"
            ),
            off=(
                "use_bias_correction use_speed split_groups_mean fused_back_pass use_cautious use_grams "
                "use_adopt use_orthograd"
            ),
            beta1=0.9,
            beta2=0.99,
            beta3=None,
            weight_decay=0.0,
            d0=1e-06,
            d_coef=1.0,
            prodigy_steps=0,
            eps=1e-08,
            schedulefree_c=0.0,
        ),
        Optimizer.PRODIGY_ADV: _row(
            on="stochastic_rounding",
            off=(
                "cautious_wd nnmf_factor compile fused_back_pass d_limiter use_atan2 "
                "orthogonal_gradient use_AdEMAMix Simplified_AdEMAMix kourkoutas_beta"
            ),
            beta1=0.9,
            beta2=0.99,
            beta3=None,
            eps=1e-08,
            weight_decay=0.0,
            d0=1e-06,
            d_coef=1.0,
            growth_rate=math.inf,
            slice_p=11,
            prodigy_steps=0,
            beta3_ema=0.9999,
            alpha=5,
            alpha_grad=100.0,
        ),
        Optimizer.ADAFACTOR: _row(
            on="stochastic_rounding",
            off="scale_parameter relative_step warmup_init fused_back_pass",
            eps=1e-30,
            eps2=0.001,
            clip_threshold=1.0,
            decay_rate=-0.8,
            beta1=None,
            weight_decay=0.0,
        ),
        Optimizer.CAME: _row(
            off="stochastic_rounding use_cautious fused_back_pass",
            beta1=0.9,
            beta2=0.999,
            beta3=0.9999,
            eps=1e-30,
            eps2=1e-16,
            weight_decay=0.01,
        ),
        Optimizer.CAME_8BIT: _row(
            off="stochastic_rounding fused_back_pass",
            beta1=0.9,
            beta2=0.999,
            beta3=0.9999,
            eps=1e-30,
            eps2=1e-16,
            weight_decay=0.01,
            min_8bit_size=16384,
            quant_block_size=2048,
        ),
        Optimizer.MUON: _row(
            on="MuonWithAuxAdam",
            off="muon_adam_regex",
            momentum=0.95,
            weight_decay=0.0,
            muon_hidden_layers=None,
            muon_adam_lr=0.0003,
            muon_te1_adam_lr=None,
            muon_te2_adam_lr=None,
            muon_adam_config={},
        ),
        Optimizer.MUON_ADV: _row(
            on="rms_rescaling stochastic_rounding MuonWithAuxAdam nesterov normuon_variant",
            off=(
                "cautious_wd accelerated_ns low_rank_ortho nnmf_factor compile fused_back_pass "
                "muon_adam_regex Simplified_AdEMAMix orthogonal_gradient approx_mars"
            ),
            beta1=0.9,
            weight_decay=0.0,
            ns_steps=5,
            ortho_rank=128,
            muon_hidden_layers=None,
            muon_adam_lr=1e-06,
            muon_te1_adam_lr=None,
            muon_te2_adam_lr=None,
            alpha_grad=100.0,
            beta2_normuon=0.95,
            muon_adam_config={},
        ),
        Optimizer.ADAMUON_ADV: _row(
            on="rms_rescaling stochastic_rounding MuonWithAuxAdam normuon_variant",
            off=(
                "cautious_wd accelerated_ns low_rank_ortho nnmf_factor compile fused_back_pass "
                "muon_adam_regex nesterov use_atan2 Simplified_AdEMAMix orthogonal_gradient approx_mars"
            ),
            beta1=0.95,
            beta2=0.95,
            eps=1e-08,
            weight_decay=0.0,
            ns_steps=5,
            ortho_rank=128,
            muon_hidden_layers=None,
            muon_adam_lr=1e-06,
            muon_te1_adam_lr=None,
            muon_te2_adam_lr=None,
            alpha_grad=100.0,
            muon_adam_config={},
        ),
        Optimizer.ADABELIEF: _row(
            on="decoupled_decay rectify degenerated_to_sgd",
            off="amsgrad fixed_decay",
            beta1=0.9,
            beta2=0.999,
            eps=1e-16,
            weight_decay=0,
        ),
        Optimizer.TIGER: _row(on="decoupled_decay", off="fixed_decay", beta1=0.965, weight_decay=0.01),
        Optimizer.AIDA: _row(
            on="degenerated_to_sgd",
            off="decoupled_decay fixed_decay rectify ams_bound adanorm adam_debias",
            beta1=0.9,
            beta2=0.999,
            k=2,
            xi=1e-20,
            weight_decay=0.0,
            n_sma_threshold=5,
            r=0.95,
            eps=1e-08,
        ),
        Optimizer.YOGI: _row(
            on="decoupled_decay",
            off="fixed_decay adanorm adam_debias",
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            r=0.95,
            initial_accumulator=1e-06,
            eps=0.001,
        ),
    }
)
"""Null leaves the choice to the library that implements the optimizer."""

ADAPTIVE = frozenset(
    {
        Optimizer.DADAPT_ADA_GRAD,
        Optimizer.DADAPT_ADAM,
        Optimizer.DADAPT_ADAN,
        Optimizer.DADAPT_LION,
        Optimizer.DADAPT_SGD,
        Optimizer.PRODIGY,
        Optimizer.PRODIGY_PLUS_SCHEDULE_FREE,
        Optimizer.PRODIGY_ADV,
    }
)
"""Find their own learning rate; the given one scales it and is usually 1."""

SCHEDULE_FREE = frozenset(
    {Optimizer.SCHEDULE_FREE_ADAMW, Optimizer.SCHEDULE_FREE_SGD, Optimizer.PRODIGY_PLUS_SCHEDULE_FREE}
)
"""Average the weights instead of following a schedule; they run with a constant rate and no warm-up."""

NEEDS_MOMENTUM = frozenset({Optimizer.SCHEDULE_FREE_SGD, Optimizer.SGD_8BIT, Optimizer.LARS, Optimizer.LARS_8BIT})
"""Their libraries refuse a momentum of 0, with which OneTrainer starts them."""

FUSED_BACK_PASS = frozenset(
    {
        Optimizer.ADAM,
        Optimizer.ADAMW,
        Optimizer.ADAMW_ADV,
        Optimizer.ADOPT_ADV,
        Optimizer.LION_ADV,
        Optimizer.SIGNSGD_ADV,
        Optimizer.PRODIGY_PLUS_SCHEDULE_FREE,
        Optimizer.PRODIGY_ADV,
        Optimizer.ADAFACTOR,
        Optimizer.CAME,
        Optimizer.CAME_8BIT,
        Optimizer.MUON_ADV,
        Optimizer.ADAMUON_ADV,
    }
)
"""Can update each weight as soon as its gradient is there."""


def effective_parameters(optimizer: TrainOptimizerConfig) -> dict[str, Any]:
    """Parameters that the chosen optimizer uses: the given value, or its default where null is given."""
    defaults = PARAMETERS[optimizer.optimizer]
    given = {name: getattr(optimizer, name) for name in defaults}
    return {name: defaults[name] if value is None else value for name, value in given.items()}


def with_defaults(optimizer: Optimizer) -> TrainOptimizerConfig:
    """The settings that choosing `optimizer` starts from."""
    return TrainOptimizerConfig(optimizer=optimizer, **PARAMETERS[optimizer])


_PYTORCH_OPTIMIZER = "pytorch-optimizer"
_BITSANDBYTES = "bitsandbytes"
_ADV_OPTM = "adv-optm"

OF_TORCH = (
    Optimizer.ADAM,
    Optimizer.ADAMW,
    Optimizer.SGD,
    Optimizer.ADAGRAD,
    Optimizer.RMSPROP,
    Optimizer.ADAFACTOR,
)
"""Optimizers that need no other library than those that every trainer has."""

LIBRARIES: Mapping[Optimizer, str] = MappingProxyType(
    {
        Optimizer.PRODIGY: "prodigyopt",
        Optimizer.PRODIGY_PLUS_SCHEDULE_FREE: "prodigy-plus-schedule-free",
        Optimizer.SCHEDULE_FREE_ADAMW: "schedulefree",
        Optimizer.SCHEDULE_FREE_SGD: "schedulefree",
        Optimizer.CAME: _PYTORCH_OPTIMIZER,
        Optimizer.LION: _PYTORCH_OPTIMIZER,
        Optimizer.ADOPT: _PYTORCH_OPTIMIZER,
        Optimizer.ADABELIEF: _PYTORCH_OPTIMIZER,
        Optimizer.TIGER: _PYTORCH_OPTIMIZER,
        Optimizer.AIDA: _PYTORCH_OPTIMIZER,
        Optimizer.YOGI: _PYTORCH_OPTIMIZER,
        Optimizer.DADAPT_ADA_GRAD: _PYTORCH_OPTIMIZER,
        Optimizer.DADAPT_ADAM: _PYTORCH_OPTIMIZER,
        Optimizer.DADAPT_ADAN: _PYTORCH_OPTIMIZER,
        Optimizer.DADAPT_LION: _PYTORCH_OPTIMIZER,
        Optimizer.DADAPT_SGD: _PYTORCH_OPTIMIZER,
        Optimizer.ADAM_8BIT: _BITSANDBYTES,
        Optimizer.ADAMW_8BIT: _BITSANDBYTES,
        Optimizer.CAME_8BIT: _BITSANDBYTES,
        Optimizer.AdEMAMix: _BITSANDBYTES,
        Optimizer.AdEMAMix_8BIT: _BITSANDBYTES,
        Optimizer.ADAGRAD_8BIT: _BITSANDBYTES,
        Optimizer.LION_8BIT: _BITSANDBYTES,
        Optimizer.RMSPROP_8BIT: _BITSANDBYTES,
        Optimizer.SGD_8BIT: _BITSANDBYTES,
        Optimizer.LAMB: _BITSANDBYTES,
        Optimizer.LARS: _BITSANDBYTES,
        Optimizer.LAMB_8BIT: _BITSANDBYTES,
        Optimizer.LARS_8BIT: _BITSANDBYTES,
        Optimizer.MUON: _PYTORCH_OPTIMIZER,
        Optimizer.ADAMW_ADV: _ADV_OPTM,
        Optimizer.ADOPT_ADV: _ADV_OPTM,
        Optimizer.LION_ADV: _ADV_OPTM,
        Optimizer.SIGNSGD_ADV: _ADV_OPTM,
        Optimizer.PRODIGY_ADV: _ADV_OPTM,
        Optimizer.MUON_ADV: _ADV_OPTM,
        Optimizer.ADAMUON_ADV: _ADV_OPTM,
    }
)
"""Packages that have an optimizer which neither torch nor transformers has, by their names on PyPI."""

_NAMES = {
    Optimizer.ADAMW: "capturable differentiable",
    Optimizer.ADAM: "capturable differentiable",
    Optimizer.SGD: "foreach differentiable",
    Optimizer.ADAGRAD: "optim_bits min_8bit_size percentile_clipping block_wise",
    Optimizer.RMSPROP: "optim_bits min_8bit_size percentile_clipping block_wise",
    Optimizer.PRODIGY: "fsdp_in_use",
    Optimizer.CAME: "use_cautious",
    Optimizer.LION: "use_triton",
    Optimizer.YOGI: "r adanorm",
    Optimizer.DADAPT_ADA_GRAD: "log_every",
    Optimizer.DADAPT_ADAM: "log_every fsdp_in_use",
    Optimizer.DADAPT_ADAN: "log_every",
    Optimizer.DADAPT_LION: "log_every fsdp_in_use",
    Optimizer.DADAPT_SGD: "log_every fsdp_in_use",
    Optimizer.ADAM_8BIT: "optim_bits percentile_clipping block_wise amsgrad",
    Optimizer.ADAMW_8BIT: "optim_bits percentile_clipping block_wise amsgrad",
    Optimizer.AdEMAMix: "optim_bits min_8bit_size",
    Optimizer.ADAGRAD_8BIT: "lr_decay initial_accumulator_value optim_bits percentile_clipping block_wise "
    "fused_back_pass",
    Optimizer.LION_8BIT: "percentile_clipping block_wise",
    Optimizer.RMSPROP_8BIT: "percentile_clipping block_wise centered",
    Optimizer.SGD_8BIT: "percentile_clipping block_wise nesterov",
    Optimizer.LAMB: "optim_bits min_8bit_size percentile_clipping bias_correction adam_w_mode amsgrad block_wise",
    Optimizer.LARS: "dampening optim_bits min_8bit_size percentile_clipping nesterov",
    Optimizer.LAMB_8BIT: "max_unorm percentile_clipping bias_correction adam_w_mode amsgrad block_wise",
    Optimizer.LARS_8BIT: "max_unorm dampening percentile_clipping nesterov",
    Optimizer.ADAMW_ADV: "beta3_ema alpha use_AdEMAMix",
    Optimizer.ADOPT_ADV: "beta3_ema alpha alpha_grad use_AdEMAMix Simplified_AdEMAMix",
    Optimizer.LION_ADV: "clip_threshold",
    Optimizer.SIGNSGD_ADV: "alpha_grad Simplified_AdEMAMix",
    Optimizer.PRODIGY_ADV: "beta3_ema alpha alpha_grad use_AdEMAMix Simplified_AdEMAMix",
    Optimizer.MUON_ADV: "alpha_grad Simplified_AdEMAMix",
    Optimizer.ADAMUON_ADV: "alpha_grad Simplified_AdEMAMix",
}
LACKING: Mapping[Optimizer, frozenset[str]] = MappingProxyType(
    {optimizer: frozenset(names.split()) for optimizer, names in _NAMES.items()}
)
"""Parameters in OneTrainer's list of an optimizer that have no effect here: its library lacks or ignores them."""
