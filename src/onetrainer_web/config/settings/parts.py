"""Texts for the parts of a model: the same settings for each part, shown where the model has it."""

from onetrainer_web.config.enums import PACKED_TYPES, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.model_facts import ModelFacts, TextEncoder
from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    EXPERT,
    NOT_MEASURED,
    Section,
    Setting,
    When,
    Widget,
    is_on,
    is_one_of,
    method,
    models_with,
)
from onetrainer_web.config.settings.options import PLAIN_DTYPES, choices, layer_presets

_NO_CORRECTION = "Quantized layers have no correction."
_PART_HELP = {
    "unet": "The network that draws: it turns noise into a picture. What a LoRA or fine-tuning learns goes here first.",
    "prior": "The network that plans a picture in very few numbers before the decoder draws it. Training happens here.",
    "transformer": "The network that draws: it turns noise into a picture. What is learned goes here first.",
    "unconditional_transformer": "A second network that draws without a prompt, for guidance. Usually left untrained.",
    "text_encoder": "Translates captions into numbers. Train it for new words only; leave it alone for styles.",
    "text_encoder_2": "The second translator of captions, usually the larger one. Rarely worth the memory of training.",
    "text_encoder_3": "The third translator of captions, a large language model. Leave it untrained.",
    "text_encoder_4": "The fourth translator of captions, a large language model. Leave it untrained.",
    "vae": "Packs pictures into a small form and back. Change it only when colours break or a better one exists.",
    "effnet_encoder": "Packs pictures into the few numbers that the prior learns. It is needed and never trained.",
    "decoder": "Draws the final picture from what the prior planned. It is loaded for samples only.",
    "decoder_text_encoder": "Translates prompts for the decoder. It is loaded for samples only.",
    "decoder_vqgan": "Unpacks what the decoder drew into a picture. It is loaded for samples only.",
}

PART_NAMES = {
    "unet": "UNet",
    "prior": "Prior",
    "transformer": "Transformer",
    "unconditional_transformer": "Unconditional transformer",
    "text_encoder": "Text encoder",
    "text_encoder_2": "Text encoder 2",
    "text_encoder_3": "Text encoder 3",
    "text_encoder_4": "Text encoder 4",
    "vae": "VAE",
    "effnet_encoder": "Effnet encoder",
    "decoder": "Decoder",
    "decoder_text_encoder": "Decoder text encoder",
    "decoder_vqgan": "Decoder VQGAN",
}

_SEQUENCE_LENGTH = "Captions are cut or filled to this many tokens. Longer understands long captions and costs memory."
_LAYER_SKIP = (
    "Use an earlier layer of this text encoder than usual (clip skip). Only for base models that were trained so."
)

ENCODERS = Section(
    "training",
    "Text encoders",
    {
        "text_encoder_layer_skip": Setting("Text encoder: skip layers", _LAYER_SKIP, EXPERT, unit="layers"),
        "text_encoder_sequence_length": Setting("Text encoder: length", _SEQUENCE_LENGTH, EXPERT, unit="tokens"),
        "text_encoder_2_layer_skip": Setting("Text encoder 2: skip layers", _LAYER_SKIP, EXPERT, unit="layers"),
        "text_encoder_2_sequence_length": Setting("Text encoder 2: length", _SEQUENCE_LENGTH, EXPERT, unit="tokens"),
        "text_encoder_3_layer_skip": Setting("Text encoder 3: skip layers", _LAYER_SKIP, EXPERT, unit="layers"),
        "text_encoder_4_layer_skip": Setting("Text encoder 4: skip layers", _LAYER_SKIP, EXPERT, unit="layers"),
    },
)

PARTS = Section(
    "training",
    "Parts of the model",
    {part: Setting(name, _PART_HELP[part], ADVANCED) for part, name in PART_NAMES.items()},
)

QUANTIZATION = Section(
    "model",
    "Quantization",
    {
        "quantization": Setting(
            "Quantization",
            "Which layers are kept in fewer bits when a part has such a number format.",
            EXPERT,
        ),
    },
)

PART_SETTINGS = {
    "train": Setting(
        "Train",
        "Whether this part learns. Text encoders learn new words quickly and forget others as quickly; leaving them "
        "out is safer and saves memory.",
        COMMON,
    ),
    "learning_rate": Setting(
        "Own learning rate",
        "A learning rate for this part alone. Empty takes the common one; text encoders often want half of it.",
        ADVANCED,
    ),
    "stop_training_after": Setting(
        "Stop after",
        "Freeze this part from this point on while the others go on learning: text encoders early, before they "
        "forget other words.",
        ADVANCED,
        unit_path="stop_training_after_unit",
    ),
    "stop_training_after_unit": Setting(
        "Unit of the stop",
        "What the limit counts: epochs, steps or time. Never trains to the end.",
        ADVANCED,
    ),
    "weight_dtype": Setting(
        "Weight precision",
        "Number format in which the weights of this part lie in memory. Parts that are not trained can be small: "
        "bfloat16, or 8 and 4 bits under a LoRA. A fine-tuned part should be float32 or bfloat16.",
        COMMON,
        known=frozenset({*PLAIN_DTYPES, *PACKED_TYPES}),
    ),
    "gradient_checkpointing": Setting(
        "Gradient checkpointing",
        "Compute parts of the forward pass twice instead of keeping them. Needs much less memory and about a quarter "
        "more time.",
        ADVANCED,
    ),
    "activation_offloading": Setting(
        "Park activations",
        "Move what checkpointing keeps to main memory until it is needed. Saves more device memory; slows down.",
        EXPERT,
        caveat=NOT_MEASURED,
    ),
    "offload_fraction": Setting(
        "Layers outside the device",
        "Share of the layers that wait in main memory and are fetched when needed. For models that do not fit.",
        EXPERT,
        caveat=NOT_MEASURED,
    ),
    "include": Setting(
        "Use",
        "Load this text encoder at all. Without it the model sees empty text from it, and memory is saved.",
        ADVANCED,
    ),
    "dropout_probability": Setting(
        "Caption dropout",
        "Share of steps in which this encoder sees no caption. About 0.1 keeps guidance working in long fine-tunings.",
        ADVANCED,
    ),
    "train_embedding": Setting(
        "Train embeddings here",
        "Whether additional embeddings learn in this text encoder.",
        ADVANCED,
    ),
    "model_name": Setting(
        "Load from elsewhere",
        "Take this part from another file or repository than the base model. Empty takes the base model's own.",
        EXPERT,
    ),
    "attention_mask": Setting(
        "Mask unused tokens",
        "Keep the model from looking at the empty rest of a caption. Must fit how the base model was trained.",
        EXPERT,
    ),
    "guidance_scale": Setting(
        "Guidance while training",
        "The guidance value that distilled models are told. 1 for most trainings.",
        EXPERT,
    ),
}

QUANTIZATION_SETTINGS = {
    "layer_filter_preset": Setting(
        "Layer choice",
        "A named selection of layers to keep in fewer bits. Blocks alone leave sensitive layers untouched.",
        EXPERT,
        options=layer_presets(),
    ),
    "layer_filter": Setting(
        "Layer names",
        "Keep only layers in fewer bits whose name contains one of these pieces, separated by commas. Empty takes all.",
        EXPERT,
        widget=Widget.LINES,
    ),
    "layer_filter_regex": Setting(
        "Names are patterns",
        "Read these names as regular expressions instead of plain pieces.",
        EXPERT,
    ),
    "svd_dtype": Setting(
        "Precision of the correction",
        "Keep the largest part of what quantization loses as a small extra matrix in this format (SVDQuant).",
        EXPERT,
        options=choices(("NONE", "FLOAT_32", "BFLOAT_16")),
        no_effect=_NO_CORRECTION,
    ),
    "svd_rank": Setting(
        "Size of the correction",
        "Rank of that extra matrix. Larger is more exact and needs more memory.",
        EXPERT,
        no_effect=_NO_CORRECTION,
    ),
    "cache_dir": Setting(
        "Folder for corrections",
        "Where computed corrections are kept, since they take long. Empty means a folder inside the cache.",
        EXPERT,
        no_effect=_NO_CORRECTION,
    ),
}

_DENOISERS = ("unet", "prior", "transformer")
_OF_TRAINED = ("learning_rate", "stop_training_after", "stop_training_after_unit")
_OF_A_TRAINED_VAE = (*_OF_TRAINED, "gradient_checkpointing", "activation_offloading")
_MODEL_TAB_KEYS = {"weight_dtype", "model_name", "include"}


def part_tab(key: str) -> str:
    """The tab on which the setting `key` of a part stands."""
    return "model" if key in _MODEL_TAB_KEYS else "training"


def has_part(part: str) -> When:
    """Only for models that have this part."""
    return models_with(lambda facts: part in facts.parts)


def part_conditions(part: str, key: str) -> When:
    """When the setting `key` of the model part `part` is of any concern."""
    needs: When = ()
    if part == "vae" and key in _OF_A_TRAINED_VAE:
        needs += method("FINE_TUNE_VAE")
    elif key == "train" or key in _OF_TRAINED:
        needs += method("LORA", "FINE_TUNE")
    if part != "vae" and key in _OF_TRAINED:
        needs += is_on(f"{part}.train")
    if key == "stop_training_after":
        needs += is_one_of(f"{part}.stop_training_after_unit", "EPOCH", "STEP", "SECOND", "MINUTE", "HOUR")
    if key == "activation_offloading":
        needs += is_on(f"{part}.gradient_checkpointing")
    return needs + models_with(lambda facts: part in facts.parts and _has_setting(facts, part, key))


def encoder_conditions(key: str) -> When:
    """When a setting like `text_encoder_2_layer_skip` is of any concern."""
    part, setting = _of_encoder(key)
    return models_with(lambda facts: _has_setting(facts, part, setting))


def no_effect(part: str, key: str = "weight_dtype") -> str:
    """Why the trainer does not obey the setting `key` of a model part; empty where it does."""
    having = [facts for facts in MODEL_TYPES.values() if facts.trained_here and part in facts.parts]
    if not having:
        return "No family that is trained here has this part."
    return "" if any(_has_setting(facts, part, key) for facts in having) else "It means nothing for this part."


def no_effect_of_encoder(key: str) -> str:
    """Why the trainer does not obey a setting like `text_encoder_2_layer_skip`; empty where it does."""
    return no_effect(*_of_encoder(key))


def _of_encoder(key: str) -> tuple[str, str]:
    """Part and setting of a key that has both in its name."""
    setting = "layer_skip" if key.endswith("layer_skip") else "sequence_length"
    return key.removesuffix(f"_{setting}"), setting


def _has_setting(facts: ModelFacts, part: str, key: str) -> bool:
    """Whether the setting `key` of `part` means anything for a model."""
    encoder = facts.encoder(part)
    if encoder:
        return _encoder_has(encoder, key, trains_embeddings="EMBEDDING" in facts.methods) or _can_load(facts, part, key)
    if key in ("attention_mask", "guidance_scale"):
        return part == "transformer" and (
            facts.has_attention_mask if key == "attention_mask" else facts.has_guidance_scale
        )
    if key == "include":
        return facts.can_leave_out(part)
    if part == "vae" and key in _OF_A_TRAINED_VAE:
        return TrainingMethod.FINE_TUNE_VAE in facts.methods
    if key in ("train", "gradient_checkpointing", "activation_offloading", *_OF_TRAINED):
        return part in _DENOISERS
    return _can_load(facts, part, key)


def _can_load(facts: ModelFacts, part: str, key: str) -> bool:
    return key in ("weight_dtype", "offload_fraction") or (key == "model_name" and part in facts.overrides)


def _encoder_has(encoder: TextEncoder, key: str, *, trains_embeddings: bool) -> bool:
    return {
        "train": encoder.can_train,
        "learning_rate": encoder.can_train,
        "stop_training_after": encoder.can_train,
        "stop_training_after_unit": encoder.can_train,
        "gradient_checkpointing": encoder.can_train or trains_embeddings,
        "activation_offloading": encoder.can_train or trains_embeddings,
        "offload_fraction": encoder.can_offload,
        "include": encoder.can_leave_out,
        "dropout_probability": encoder.can_drop_captions,
        "train_embedding": trains_embeddings,
        "layer_skip": encoder.can_skip_layers,
        "sequence_length": encoder.has_sequence_length,
    }.get(key, False)


SECTIONS = (ENCODERS, PARTS, QUANTIZATION)
