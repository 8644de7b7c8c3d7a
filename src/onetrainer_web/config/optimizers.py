"""Settings of the optimizer; what each optimizer uses of them stands in `optimizer_tables`."""

from pydantic import Field, JsonValue

from onetrainer_web.config.base import ConfigModel, Number, Rate, Whole
from onetrainer_web.config.enums import Optimizer


class TrainOptimizerConfig(ConfigModel):
    """The chosen optimizer and its parameters; null means the default of the optimizer."""

    optimizer: Optimizer = Optimizer.ADAMW
    adam_w_mode: bool = False
    alpha: Number | None = None
    amsgrad: bool = False
    beta1: Number | None = None
    beta2: Number | None = None
    beta3: Number | None = None
    bias_correction: bool = False
    block_wise: bool = False
    capturable: bool = False
    centered: bool = False
    clip_threshold: Number | None = None
    d0: Number | None = None
    d_coef: Number | None = None
    dampening: Number | None = None
    decay_rate: Number | None = None
    decouple: bool = False
    differentiable: bool = False
    eps: Number | None = None
    eps2: Number | None = None
    foreach: bool | None = False
    fsdp_in_use: bool = False
    fused: bool = False
    fused_back_pass: bool = False
    growth_rate: Number | None = None
    initial_accumulator_value: Whole | None = None
    initial_accumulator: Number | None = None
    is_paged: bool = False
    log_every: Whole | None = None
    lr_decay: Number | None = None
    max_unorm: Number | None = None
    maximize: bool = False
    min_8bit_size: Whole | None = None
    quant_block_size: Whole | None = None
    momentum: Number | None = None
    nesterov: bool = False
    no_prox: bool = False
    optim_bits: Whole | None = None
    percentile_clipping: Whole | None = None
    r: Number | None = None
    relative_step: bool = False
    safeguard_warmup: bool = False
    scale_parameter: bool = False
    stochastic_rounding: bool = True
    use_bias_correction: bool = False
    use_triton: bool = False
    warmup_init: bool = False
    weight_decay: Number | None = None
    weight_lr_power: Number | None = None
    decoupled_decay: bool = False
    fixed_decay: bool = False
    rectify: bool = False
    degenerated_to_sgd: bool = False
    k: Whole | None = None
    xi: Number | None = None
    n_sma_threshold: Whole | None = None
    ams_bound: bool = False
    adanorm: bool = False
    adam_debias: bool = False
    slice_p: Whole | None = None
    cautious: bool = False
    weight_decay_by_lr: bool = True
    prodigy_steps: Whole | None = None
    use_speed: bool = False
    split_groups: bool = True
    split_groups_mean: bool = True
    factored: bool = True
    factored_fp32: bool = True
    use_stableadamw: bool = True
    use_cautious: bool = False
    use_grams: bool = False
    use_adopt: bool = False
    d_limiter: bool | None = True
    use_schedulefree: bool | None = True
    use_orthograd: bool = False
    nnmf_factor: bool = False
    orthogonal_gradient: bool = False
    use_atan2: bool = False
    use_AdEMAMix: bool = False
    beta3_ema: Number | None = None
    alpha_grad: Number | None = None
    beta1_warmup: Whole | None = None
    min_beta1: Number | None = None
    Simplified_AdEMAMix: bool = False
    kourkoutas_beta: bool = False
    schedulefree_c: Number | None = None
    ns_steps: Whole | None = None
    MuonWithAuxAdam: bool = False
    muon_hidden_layers: str | None = None
    muon_adam_regex: bool = False
    muon_adam_lr: Rate | None = None
    muon_te1_adam_lr: Rate | None = None
    muon_te2_adam_lr: Rate | None = None
    muon_adam_config: dict[str, JsonValue] | None = Field(default_factory=dict)
    rms_rescaling: bool | None = True
    normuon_variant: bool = False
    beta2_normuon: Number | None = None
    low_rank_ortho: bool = False
    ortho_rank: Whole | None = None
    accelerated_ns: bool = False
    cautious_wd: bool = False
    approx_mars: bool = False
    auto_kappa_p: bool = False
    compile: bool = False
