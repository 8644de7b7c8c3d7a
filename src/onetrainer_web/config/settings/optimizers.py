"""Texts of the parameters of optimizers; which of them are obeyed, the tables of their libraries say."""

from functools import cache

from onetrainer_web.config.optimizer_tables import LACKING, LIBRARIES, OF_TORCH, PARAMETERS
from onetrainer_web.config.settings.base import ADVANCED, COMMON, EXPERT, NOT_MEASURED, Setting

OPTIMIZER_SETTINGS = {
    "optimizer": Setting(
        "Optimizer",
        "The algorithm that changes the weights. AdamW is proven; Adafactor and 8-bit ones need less memory; Prodigy "
        "finds the learning rate by itself.",
        COMMON,
        known=frozenset({*OF_TORCH, *LIBRARIES}),
    ),
    # Moments
    "beta1": Setting(
        "Beta 1",
        "How long past gradients keep pushing in their direction: 0.9 remembers about ten steps.",
        ADVANCED,
    ),
    "beta2": Setting(
        "Beta 2",
        "How long the size of past gradients is remembered, which sets the pace of each weight. Lower it in short "
        "runs.",
        ADVANCED,
    ),
    "beta3": Setting(
        "Beta 3",
        "A third memory, whose use depends on the optimizer; in Prodigy it is that of the estimated rate.",
        EXPERT,
    ),
    "momentum": Setting(
        "Momentum",
        "Share of the last movement that is kept, so that steps run more smoothly. 0 turns it off.",
        ADVANCED,
    ),
    "dampening": Setting(
        "Dampening",
        "How much less the newest gradient adds to the momentum. 0 is usual; raise it when training swings.",
        EXPERT,
    ),
    "nesterov": Setting(
        "Nesterov momentum",
        "Look one step ahead before the gradient is applied, which often turns earlier into the right direction.",
        EXPERT,
    ),
    "alpha": Setting(
        "Alpha",
        "In RMSprop how long gradient sizes are remembered; in AdEMAMix how much the slow memory counts.",
        EXPERT,
    ),
    "beta3_ema": Setting(
        "Memory of the slow average",
        "How long AdEMAMix remembers gradients; 0.9999 looks back over about ten thousand steps.",
        EXPERT,
    ),
    "alpha_grad": Setting(
        "Weight of the newest gradient",
        "How much the current gradient adds in the simplified AdEMAMix. Small batches want less.",
        EXPERT,
    ),
    "beta1_warmup": Setting(
        "Warm-up of beta 1",
        "Raise beta 1 to its value over this many steps. Only for very long runs; empty starts with the full value.",
        EXPERT,
        unit="steps",
    ),
    "min_beta1": Setting(
        "Lowest beta 1", "Where the warm-up of beta 1 begins. Only read when that warm-up is set.", EXPERT
    ),
    # Size of steps
    "weight_decay": Setting(
        "Weight decay",
        "Pull all weights a little towards zero at each step, which keeps them small. 0.01 is usual; 0 turns it off.",
        ADVANCED,
    ),
    "eps": Setting(
        "Epsilon", "A tiny number that avoids divisions by zero. Larger makes small gradients count less.", EXPERT
    ),
    "eps2": Setting(
        "Second epsilon",
        "In Adafactor the least size of weights that steps are measured by, in CAME the floor of its confidence.",
        EXPERT,
    ),
    "lr_decay": Setting(
        "Decay of the rate",
        "Lowers the learning rate a little with every step. Leave it at 0 when a schedule does so already.",
        EXPERT,
    ),
    "clip_threshold": Setting(
        "Clip steps at",
        "Steps larger than this are scaled down. Adafactor's counterpart of gradient clipping.",
        EXPERT,
    ),
    "max_unorm": Setting(
        "Largest relative step",
        "Limits a step to this share of the length of the weights. 0 sets no limit, which is usual.",
        EXPERT,
    ),
    "decay_rate": Setting(
        "Decay exponent",
        "How quickly Adafactor's memory of gradient sizes lengthens; more negative is slower.",
        EXPERT,
    ),
    "weight_decay_by_lr": Setting(
        "Decay follows the rate",
        "Multiply weight decay by the learning rate, so that both fall together.",
        EXPERT,
    ),
    "decouple": Setting(
        "Separate decay",
        "Apply weight decay to the weights directly, as AdamW does, instead of adding it to the gradient.",
        EXPERT,
    ),
    "decoupled_decay": Setting(
        "Decoupled decay",
        "Apply weight decay beside the gradient, as AdamW does. Keep it on when weight decay is above 0.",
        EXPERT,
    ),
    "fixed_decay": Setting(
        "Fixed decay", "Decay by the same share in every step, whatever the learning rate is.", EXPERT
    ),
    "cautious_wd": Setting(
        "Cautious decay",
        "Decay only those weights that the step moves towards zero anyway.",
        EXPERT,
    ),
    # Variants of Adam
    "adam_w_mode": Setting(
        "AdamW mode",
        "Use the decoupled weight decay of AdamW inside LAMB. Keep it on when weight decay is above 0.",
        EXPERT,
    ),
    "amsgrad": Setting(
        "AMSGrad",
        "Never let the remembered gradient size shrink. A safeguard from theory that rarely changes results.",
        EXPERT,
    ),
    "bias_correction": Setting(
        "Correct the first steps",
        "Make up for memories that start at zero, so that the first steps are not too small.",
        EXPERT,
    ),
    "use_bias_correction": Setting(
        "Adam's correction",
        "Make up for empty memories as Adam does. In Prodigy it acts like a warm-up.",
        EXPERT,
    ),
    "adam_debias": Setting(
        "Adam's debiasing",
        "Correct only the step size, as the original Adam paper does. Rarely changes results.",
        EXPERT,
    ),
    "adanorm": Setting("AdaNorm", "Raise small gradients to the remembered length of earlier ones.", EXPERT),
    "ams_bound": Setting("AMS bound", "AMSGrad's safeguard inside AIDA and its relatives.", EXPERT),
    "rectify": Setting("Rectify", "Wait with adaptive steps until their estimate is reliable, as RAdam does.", EXPERT),
    "degenerated_to_sgd": Setting(
        "Plain steps until then", "Take plain gradient steps while rectifying waits.", EXPERT
    ),
    "n_sma_threshold": Setting(
        "Reliable from",
        "How many steps the estimate must effectively cover before rectifying trusts it.",
        EXPERT,
    ),
    "k": Setting("Projections", "How often AIDA projects gradient and momentum onto each other.", EXPERT),
    "xi": Setting("Projection floor", "A tiny number that avoids divisions by zero in these projections.", EXPERT),
    "r": Setting(
        "Averaging power",
        "In schedule-free optimizers how much later steps outweigh earlier ones; elsewhere the memory of AdaNorm.",
        EXPERT,
    ),
    "weight_lr_power": Setting(
        "Weight by rate",
        "How strongly steps of a warm-up count less in the schedule-free average.",
        EXPERT,
    ),
    "centered": Setting(
        "Centre gradients",
        "Also subtract the mean of past gradients in RMSprop: steadier, for one more memory of the model's size.",
        EXPERT,
    ),
    "cautious": Setting(
        "Cautious steps",
        "Move only weights whose step agrees with the newest gradient. Often learns a little faster; try it last.",
        EXPERT,
    ),
    "use_cautious": Setting(
        "Cautious updates",
        "Leave out movements that the newest gradient disagrees with. Often learns a little faster; try it last.",
        EXPERT,
    ),
    "use_grams": Setting(
        "Grams", "Take the size of a step from the memory and its direction from the gradient.", EXPERT
    ),
    "use_adopt": Setting("ADOPT", "Update memories one step late, which proves to converge with any beta 2.", EXPERT),
    "use_stableadamw": Setting(
        "Stable AdamW",
        "Scale down steps in which gradients have outgrown their memory. Replaces gradient clipping.",
        EXPERT,
    ),
    "use_atan2": Setting("Arctangent scaling", "Bound every step without an epsilon, by an arctangent.", EXPERT),
    "use_AdEMAMix": Setting("Slow second memory", "Add a very slow average of gradients beside the usual one.", EXPERT),
    "Simplified_AdEMAMix": Setting(
        "Simplified AdEMAMix",
        "One memory instead of two, with the newest gradient weighted apart. Wants a much lower learning rate.",
        EXPERT,
    ),
    "kourkoutas_beta": Setting(
        "Kourkoutas beta",
        "Let beta 2 follow sudden changes of the gradients, layer by layer.",
        EXPERT,
    ),
    "orthogonal_gradient": Setting(
        "OrthoGrad",
        "Remove from gradients what would only scale the weights, which delays overfitting.",
        EXPERT,
    ),
    "use_orthograd": Setting(
        "Orthogonal gradients",
        "Remove from gradients the part along the weights, which delays overfitting in long runs.",
        EXPERT,
    ),
    "auto_kappa_p": Setting("Automatic Lion-K", "Choose the shape of Lion's steps by the kind of layer.", EXPERT),
    "approx_mars": Setting(
        "Approximate MARS", "Reduce the noise of gradients by comparing them with the last ones.", EXPERT
    ),
    "relative_step": Setting(
        "Own learning rate",
        "Let Adafactor choose its learning rate by the step count; the given one is then ignored.",
        ADVANCED,
    ),
    "scale_parameter": Setting(
        "Scale by weights",
        "Make steps proportional to the size of the weights. Then the learning rate means a relative change.",
        EXPERT,
    ),
    "warmup_init": Setting("Begin slowly", "Start Adafactor's own rate very low. Needs its own learning rate.", EXPERT),
    "factored": Setting(
        "Factored memory",
        "Keep gradient sizes as one row and one column instead of a matrix. Much less memory.",
        EXPERT,
    ),
    "factored_fp32": Setting(
        "Factored in float32", "Keep these rows and columns in full precision. They are small: leave it on.", EXPERT
    ),
    "nnmf_factor": Setting(
        "Factored states", "Keep the memories in factored form. Much less memory, slightly slower.", EXPERT
    ),
    # Finding the learning rate
    "d0": Setting(
        "First estimate",
        "The rate that the search begins with. Raise it only when nothing is learned for long.",
        EXPERT,
    ),
    "d_coef": Setting(
        "Coefficient",
        "Multiplies the rate that was found. Between 0.5 and 2: this is how such optimizers are tuned.",
        ADVANCED,
    ),
    "d_limiter": Setting(
        "Limit growth of the estimate",
        "Keep the estimated rate from jumping at the beginning, which can break a model. Leave it on.",
        EXPERT,
    ),
    "growth_rate": Setting(
        "Growth limit",
        "By which factor the estimate may grow in one step; inf means without limit, 1.02 acts as a warm-up.",
        EXPERT,
    ),
    "safeguard_warmup": Setting(
        "Safe with warm-up",
        "Leave the learning rate out of the estimate, which avoids errors when there is a warm-up.",
        EXPERT,
    ),
    "slice_p": Setting(
        "Sampled weights",
        "Estimate the rate from every n-th weight only. 11 saves most of the memory with nearly equal results.",
        EXPERT,
    ),
    "prodigy_steps": Setting(
        "Stop searching after",
        "Freeze the estimated rate after this many steps. 0 searches to the end.",
        EXPERT,
        unit="steps",
    ),
    "use_speed": Setting("Faster search", "A simpler estimate that needs less memory and reacts more quickly.", EXPERT),
    "split_groups": Setting(
        "One rate for each part",
        "Estimate the rate of text encoder and denoiser separately; useful when both are trained.",
        EXPERT,
    ),
    "split_groups_mean": Setting(
        "Average of these rates", "Use the mean of the separate estimates for all parts.", EXPERT
    ),
    "no_prox": Setting("Adan without proximal step", "Apply weight decay as AdamW does instead of Adan's way.", EXPERT),
    "log_every": Setting(
        "Print every", "Write the estimate into the log every so many steps. 0 is silent.", EXPERT, unit="steps"
    ),
    "fsdp_in_use": Setting(
        "Weights are distributed",
        "Tell the optimizer that each card holds only a part of them. Wrong on a single card.",
        EXPERT,
    ),
    "use_schedulefree": Setting(
        "Schedule-free",
        "Average the weights instead of lowering the learning rate towards the end.",
        ADVANCED,
    ),
    "schedulefree_c": Setting(
        "Strength of averaging",
        "How much the schedule-free average prefers recent steps. 0 takes the original rule.",
        EXPERT,
    ),
    # Memory and speed
    "stochastic_rounding": Setting(
        "Stochastic rounding",
        "Round bfloat16 weights up or down by chance, so that small steps are not lost. Keep it on for bfloat16.",
        ADVANCED,
    ),
    "fused_back_pass": Setting(
        "Fused backward pass",
        "Change each weight as soon as its gradient is there and forget the gradient. Saves much memory; cannot be "
        "combined with gradient accumulation.",
        ADVANCED,
    ),
    "fused": Setting(
        "Fused kernel",
        "Do all arithmetic of a step in one go on the device. Faster on a GPU, with equal results.",
        EXPERT,
    ),
    "foreach": Setting("All weights at once", "Handle weights as lists: faster, with some more memory.", EXPERT),
    "capturable": Setting(
        "Capturable", "Allow the step to be recorded in a CUDA graph. Only for experiments; slower otherwise.", EXPERT
    ),
    "differentiable": Setting("Differentiable", "Allow gradients through the step itself. Only for research.", EXPERT),
    "maximize": Setting("Maximise", "Climb instead of descend. Training then unlearns the pictures.", EXPERT),
    "compile": Setting(
        "Compile the step", "Let torch.compile translate the optimizer. Slow start, faster steps.", EXPERT
    ),
    "use_triton": Setting("Triton kernel", "Use a Triton implementation of Lion where Triton is installed.", EXPERT),
    "optim_bits": Setting(
        "Bits of the memory", "How precisely the optimizer remembers: 32 or 8 bits.", EXPERT, unit="bits"
    ),
    "min_8bit_size": Setting(
        "Least size for 8 bits",
        "Smaller weights are remembered in 32 bits, since nothing would be saved.",
        EXPERT,
        unit="values",
    ),
    "quant_block_size": Setting(
        "Block of 8 bits",
        "How many values share one scale in 8-bit memory. Smaller is more exact and needs a little more memory.",
        EXPERT,
        unit="values",
    ),
    "block_wise": Setting(
        "Scale by blocks", "Give each block of values its own scale, so that outliers do no harm.", EXPERT
    ),
    "percentile_clipping": Setting(
        "Percentile clipping",
        "Clip gradients at this percentile of the last hundred lengths. 100 turns it off.",
        EXPERT,
        unit="%",
    ),
    "is_paged": Setting(
        "Paged memory",
        "Let optimizer states move to main memory when the card is full.",
        EXPERT,
        caveat=NOT_MEASURED,
    ),
    "initial_accumulator_value": Setting(
        "First accumulated value",
        "What Adagrad's sum of squares starts at. Larger makes the first steps smaller.",
        EXPERT,
    ),
    "initial_accumulator": Setting(
        "First memory value",
        "What Yogi's memory of gradient sizes starts at. Larger makes the first steps smaller.",
        EXPERT,
    ),
    # Muon
    "MuonWithAuxAdam": Setting(
        "Adam for other layers",
        "Use Muon only for the matrices inside the model and Adam for all other weights, as its authors intend.",
        ADVANCED,
    ),
    "muon_hidden_layers": Setting(
        "Layers for Muon",
        "Names of the layers that Muon trains, with commas. Empty takes the usual ones of the model.",
        EXPERT,
    ),
    "muon_adam_regex": Setting("Names are patterns", "Read these names as regular expressions.", EXPERT),
    "muon_adam_lr": Setting(
        "Adam's learning rate", "Learning rate of the weights that Adam trains beside Muon.", ADVANCED
    ),
    "muon_te1_adam_lr": Setting(
        "Adam's rate, text encoder", "The same for the first text encoder; empty shares it.", EXPERT
    ),
    "muon_te2_adam_lr": Setting(
        "Adam's rate, text encoder 2", "The same for the second text encoder; empty shares it.", EXPERT
    ),
    "muon_adam_config": Setting("Adam's parameters", "All other parameters of that Adam, as an object.", EXPERT),
    "ns_steps": Setting(
        "Newton-Schulz steps",
        "How often Muon refines its orthogonal step. 5 is exact enough.",
        EXPERT,
        unit="steps",
    ),
    "accelerated_ns": Setting("Faster Newton-Schulz", "Use better coefficients, so that fewer refinements do.", EXPERT),
    "low_rank_ortho": Setting(
        "Low-rank steps", "Orthogonalise only the strongest directions, which is faster.", EXPERT
    ),
    "ortho_rank": Setting(
        "Rank of these steps", "How many directions are kept then. More is closer to the full step and slower.", EXPERT
    ),
    "rms_rescaling": Setting(
        "Steps of Adam's size",
        "Scale Muon's steps so that learning rates known from Adam fit.",
        EXPERT,
    ),
    "normuon_variant": Setting("NorMuon", "Even out the steps of single neurons, as NorMuon does.", EXPERT),
    "beta2_normuon": Setting(
        "Memory of NorMuon",
        "How long the size of each neuron's steps is remembered: 0.95 looks back over about twenty steps.",
        EXPERT,
    ),
}


def no_effect(key: str) -> str:
    """Why no optimizer obeys the parameter `key`; empty where one does."""
    return "" if key == "optimizer" or key in _heeded() else "The library of the optimizer does not have it."


@cache
def _heeded() -> frozenset[str]:
    used = (parameters.keys() - LACKING.get(name, frozenset[str]()) for name, parameters in PARAMETERS.items())
    return frozenset(key for keys in used for key in keys)
