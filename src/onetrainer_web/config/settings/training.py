"""Texts of the tab training: optimizer, schedule, averages, noise, masks, loss and layers."""

from onetrainer_web.config.enums import DataType, LearningRateScheduler
from onetrainer_web.config.model_facts import Formulation
from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    ESSENTIAL,
    EXPERT,
    NOT_MEASURED,
    Section,
    Setting,
    Widget,
    is_on,
    is_one_of,
    method,
    models_with,
)
from onetrainer_web.config.settings.options import PLAIN_DTYPES, choices, layer_presets, loss_weights

_TRAIN_DTYPES = (DataType.FLOAT_32, DataType.FLOAT_16, DataType.BFLOAT_16, DataType.TFLOAT_32)
_FALLBACK_DTYPES = (DataType.FLOAT_32, DataType.BFLOAT_16)
_SCHEDULES = frozenset(LearningRateScheduler) - {LearningRateScheduler.ADAFACTOR}
_HAS_EMA = is_one_of("ema", "GPU", "CPU")
_HAS_MASKS = is_on("masked_training")
_CYCLIC = is_one_of("learning_rate_scheduler", "COSINE_WITH_RESTARTS", "COSINE_WITH_HARD_RESTARTS")
_CUSTOM_SCHEDULE = is_one_of("learning_rate_scheduler", "CUSTOM")
_DIFFUSION = models_with(lambda facts: facts.formulation == Formulation.DIFFUSION)
_SHAPED = is_one_of("timestep_distribution", "SIGMOID", "LOGIT_NORMAL", "HEAVY_TAIL", "COS_MAP", "BETA")

LENGTH = Section(
    "training",
    "Length and batches",
    {
        "epochs": Setting(
            "Epochs",
            "How often all pictures are gone through. More teaches more, until the model repeats the pictures instead "
            "of understanding them: watch the samples.",
            ESSENTIAL,
            unit="epochs",
        ),
        "batch_size": Setting(
            "Batch size",
            "How many pictures are learned from at once. Larger batches are steadier and quicker on big cards, and "
            "need more memory; groups with fewer pictures than this cannot be trained.",
            ESSENTIAL,
            unit="pictures",
        ),
        "gradient_accumulation_steps": Setting(
            "Gradient accumulation",
            "Collect this many batches before the weights change: the effect of a larger batch without its memory.",
            ADVANCED,
            unit="batches",
        ),
    },
)

RATE = Section(
    "training",
    "Learning rate",
    {
        "learning_rate": Setting(
            "Learning rate",
            "How far the weights move at each step. Too low learns nothing, too high breaks the model. About 0.0001 "
            "for LoRA and 0.00001 for fine-tuning are good starts; optimizers that find their own rate want 1.",
            ESSENTIAL,
        ),
        "learning_rate_scheduler": Setting(
            "Schedule",
            "How the learning rate changes over the run. Constant is easy to judge; cosine and REX go down towards the "
            "end, which often gives cleaner details.",
            COMMON,
            known=_SCHEDULES,
        ),
        "learning_rate_warmup_steps": Setting(
            "Warm-up",
            "Raise the learning rate from zero over this many steps, so that the first ones do no harm. A value of 1 "
            "or less is a share of the whole run.",
            COMMON,
            unit="steps",
        ),
        "learning_rate_min_factor": Setting(
            "Lowest factor",
            "Where a falling schedule ends, as a share of the learning rate: 0.1 never goes below a tenth.",
            ADVANCED,
        ),
        "learning_rate_cycles": Setting(
            "Cycles",
            "How often a cosine schedule starts anew during the run.",
            ADVANCED,
            unit="cycles",
            when=_CYCLIC,
        ),
        "learning_rate_scaler": Setting(
            "Scale with the batch",
            "Multiply the learning rate by the square root of the batch size, the accumulation or both, so that it "
            "need not be chosen anew when these change.",
            EXPERT,
        ),
        "custom_learning_rate_scheduler": Setting(
            "Schedule class",
            "Python class of a schedule of your own, as module.Class.",
            EXPERT,
            when=_CUSTOM_SCHEDULE,
        ),
        "scheduler_params": Setting(
            "Schedule arguments",
            "Names and values that are handed to that class; %LR%, %EPOCHS% and %TOTAL_STEPS% stand for the numbers of "
            "the run.",
            EXPERT,
            when=_CUSTOM_SCHEDULE,
        ),
        "clip_grad_norm": Setting(
            "Gradient clipping",
            "Shorten gradients that are longer than this, so that one strange picture cannot wreck the model. 1 is "
            "safe; empty turns it off.",
            ADVANCED,
        ),
    },
)

PRECISION = Section(
    "training",
    "Precision and memory",
    {
        "train_dtype": Setting(
            "Training precision",
            "Number format of the computation. bfloat16 is quick and sturdy on cards from 2020 on; float16 suits older "
            "ones; float32 is exact, slow, and what a CPU should use.",
            COMMON,
            options=choices(_TRAIN_DTYPES),
            known=PLAIN_DTYPES,
        ),
        "fallback_train_dtype": Setting(
            "Precision where float16 overflows",
            "Used instead by those parts of a model that produce numbers too large for float16.",
            EXPERT,
            options=choices(_FALLBACK_DTYPES),
            when=is_one_of("train_dtype", "FLOAT_16"),
        ),
        "enable_autocast_cache": Setting(
            "Keep converted weights",
            "Remember weights that were converted to the training precision. Faster; turn it off when memory is short.",
            EXPERT,
        ),
        "attention_mechanism": Setting(
            "Attention implementation",
            "Which code computes attention. PyTorch's own works everywhere; the others need matching cards and "
            "packages, and can be a little faster.",
            EXPERT,
            caveat=NOT_MEASURED,
        ),
        "force_circular_padding": Setting(
            "Seamless edges",
            "Train as if the left edge touched the right one and the top the bottom. For textures that tile.",
            EXPERT,
            when=models_with(lambda facts: facts.has_circular_padding),
        ),
    },
)

AVERAGE = Section(
    "training",
    "Average of the weights",
    {
        "ema": Setting(
            "EMA",
            "Keep a slowly following average of the weights and save that. It evens out the last steps, which helps "
            "long runs; short ones end before the average has caught up. On the CPU it costs no device memory.",
            ADVANCED,
        ),
        "ema_decay": Setting(
            "EMA decay",
            "How much of the old average stays at each update: 0.999 follows over about a thousand updates. Lower it "
            "for short runs.",
            ADVANCED,
            when=_HAS_EMA,
        ),
        "ema_update_step_interval": Setting(
            "EMA interval",
            "Update the average only every so many steps, which saves time when it is kept on the CPU.",
            EXPERT,
            unit="steps",
            when=_HAS_EMA,
        ),
    },
)

NOISE = Section(
    "training",
    "Noise",
    {
        "timestep_distribution": Setting(
            "Noise level distribution",
            "Which noise levels are trained more often. Uniform treats all alike; logit-normal prefers the middle, "
            "where flow models learn the shape of things.",
            ADVANCED,
        ),
        "min_noising_strength": Setting(
            "Lowest noise",
            "Leave out noise levels below this share. Raising it protects fine detail of the base model.",
            EXPERT,
        ),
        "max_noising_strength": Setting(
            "Highest noise",
            "Leave out noise levels above this share. Lowering it keeps the composition of the base model and trains "
            "texture.",
            EXPERT,
        ),
        "noising_weight": Setting(
            "Distribution weight",
            "How strongly the chosen distribution departs from uniform; its exact meaning depends on the distribution.",
            EXPERT,
            when=_SHAPED,
        ),
        "noising_bias": Setting(
            "Distribution bias",
            "Moves the centre of the chosen distribution towards more (positive) or less noise.",
            EXPERT,
            when=_SHAPED,
        ),
        "timestep_shift": Setting(
            "Noise level shift",
            "Moves all drawn levels towards more noise when above 1. Flow models of high resolution want 2 to 4.",
            EXPERT,
        ),
        "dynamic_timestep_shifting": Setting(
            "Shift by picture size",
            "Compute the shift from the number of pixels, as the base model was trained; the fixed shift is then "
            "ignored.",
            ADVANCED,
            when=models_with(lambda facts: facts.has_dynamic_shift),
        ),
        "offset_noise_weight": Setting(
            "Offset noise",
            "Add a little of the same noise to a whole picture, so that the model learns very dark and very bright "
            "scenes. 0.05 is much already.",
            ADVANCED,
        ),
        "generalized_offset_noise": Setting(
            "Generalised offset noise",
            "Let the offset depend on the noise level, which avoids the washed-out look that a fixed one can cause.",
            EXPERT,
            when=models_with(lambda facts: facts.has_generalized_offset_noise),
        ),
        "perturbation_noise_weight": Setting(
            "Perturbation noise",
            "Add extra noise to what the model sees but not to what it should predict, which makes it less sensitive "
            "to its own errors while sampling.",
            EXPERT,
        ),
        "rescale_noise_scheduler_to_zero_terminal_snr": Setting(
            "Train down to pure noise",
            "Change the noise schedule so that its last level holds nothing of the picture, and predict velocity. "
            "Allows truly dark pictures; samplers must be set accordingly.",
            EXPERT,
            when=_DIFFUSION,
        ),
        "force_v_prediction": Setting(
            "Force v-prediction",
            "Train as if the base model predicted velocity, whatever its files say. Only to convert a model.",
            EXPERT,
            when=_DIFFUSION,
        ),
        "force_epsilon_prediction": Setting(
            "Force epsilon prediction",
            "Train as if the base model predicted noise, whatever its files say. Only to convert a model.",
            EXPERT,
            when=_DIFFUSION,
        ),
    },
)

MASKS = Section(
    "training",
    "Masks",
    {
        "masked_training": Setting(
            "Use masks",
            "Learn mainly from the white area of <name>-masklabel.png beside each picture: a face, a product, a piece "
            "of clothing, without its surroundings.",
            ADVANCED,
        ),
        "unmasked_probability": Setting(
            "Share without mask",
            "How many steps see the whole picture although there is a mask, so that the model does not forget how "
            "things belong together.",
            EXPERT,
            when=_HAS_MASKS + models_with(lambda facts: facts.has_mask_input),
        ),
        "unmasked_weight": Setting(
            "Weight outside the mask",
            "How much the black area still counts: 0 ignores it, 1 makes the mask useless.",
            ADVANCED,
            when=_HAS_MASKS,
        ),
        "normalize_masked_area_loss": Setting(
            "Same weight for small masks",
            "Divide the loss by the size of the masked area, so that pictures with small masks count like others.",
            EXPERT,
            when=_HAS_MASKS,
        ),
        "masked_prior_preservation_weight": Setting(
            "Keep the original outside",
            "How strongly the area outside the mask is held to what the base model would draw there.",
            EXPERT,
            when=_HAS_MASKS + method("LORA"),
        ),
        "custom_conditioning_image": Setting(
            "Own conditioning pictures",
            "Give inpainting models the picture <name>-condlabel.png as their input instead of the greyed-out "
            "original, and models that can draw after a picture this one as their reference.",
            EXPERT,
            when=models_with(lambda facts: facts.has_mask_input or facts.is_reference_optional),
        ),
        "reference_dropout_probability": Setting(
            "Leave out references",
            "The share of steps in which the model does not see the references of its pictures, so that it still "
            "draws without one. OneTrainer does not have this.",
            EXPERT,
            when=models_with(lambda facts: facts.has_reference_input),
        ),
    },
)

LOSS = Section(
    "training",
    "Loss",
    {
        "loss_weight_fn": Setting(
            "Weight by noise level",
            "Give some noise levels more say. Min-SNR-gamma makes diffusion models learn faster and steadier; constant "
            "is the plain definition.",
            ADVANCED,
            options=loss_weights(),
        ),
        "loss_weight_strength": Setting(
            "Strength of that weight",
            "Gamma of the chosen weight. 5 is the value that the authors of Min-SNR recommend; lower is stronger.",
            ADVANCED,
            when=is_one_of("loss_weight_fn", "P2", "MIN_SNR_GAMMA"),
        ),
        "mse_strength": Setting(
            "Squared error",
            "Share of the mean squared error in the loss, the usual choice. Set it to 0 when another one is to replace "
            "it.",
            ADVANCED,
        ),
        "mae_strength": Setting(
            "Absolute error",
            "Share of the mean absolute error, which forgives single bad pictures more easily than the squared one.",
            EXPERT,
        ),
        "log_cosh_strength": Setting(
            "Log-cosh error",
            "Share of an error that is squared for small and absolute for large differences, without a kink.",
            EXPERT,
        ),
        "huber_strength": Setting(
            "Huber error",
            "Share of an error that is squared up to a limit and absolute beyond it.",
            EXPERT,
        ),
        "huber_delta": Setting(
            "Limit of the Huber error",
            "Where that error changes from squared to absolute. Smaller forgives more.",
            EXPERT,
        ),
        "vb_loss_strength": Setting(
            "Variance loss",
            "Share of the loss that teaches PixArt its variance output. Leave it at 1 for such models.",
            EXPERT,
            when=models_with(lambda facts: facts.has_vb_loss),
        ),
        "loss_scaler": Setting(
            "Multiply the loss",
            "Multiply the loss by the batch size, the accumulation or both. Rarely useful with optimizers of the Adam "
            "kind, which do not care about the size of gradients.",
            EXPERT,
        ),
    },
)

LAYERS = Section(
    "training",
    "Layers",
    {
        "layer_filter_preset": Setting(
            "Layer choice",
            "A named selection of layers to train. Attention layers alone make smaller files that change style and "
            "subject, not every detail.",
            ADVANCED,
            options=layer_presets(),
        ),
        "layer_filter": Setting(
            "Layer names",
            "Train only layers whose name contains one of these pieces, separated by commas. Empty trains all.",
            ADVANCED,
            widget=Widget.LINES,
        ),
        "layer_filter_regex": Setting(
            "Names are patterns",
            "Read the layer names as regular expressions instead of plain pieces. A pattern cannot contain a comma.",
            EXPERT,
        ),
    },
)

OPTIMIZER = Section(
    "training",
    "Optimizer",
    {
        "optimizer": Setting(
            "Optimizer",
            "The algorithm that changes the weights, with its parameters.",
            COMMON,
        ),
        "optimizer_defaults": Setting(
            "Remembered optimizer settings",
            "For each optimizer the parameters that were last chosen, so that switching back restores them. Training "
            "does not read it.",
            EXPERT,
            widget=Widget.NONE,
        ),
    },
)

SECTIONS = (LENGTH, RATE, OPTIMIZER, PRECISION, AVERAGE, LAYERS, LOSS, NOISE, MASKS)
