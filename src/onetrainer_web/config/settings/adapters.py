"""Texts of the tabs LoRA and embedding."""

from onetrainer_web.config.enums import DataType
from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    ESSENTIAL,
    EXPERT,
    Section,
    Setting,
    is_on,
    is_one_of,
    method,
    models_with,
)
from onetrainer_web.config.settings.options import PLAIN_DTYPES, choices

_ADAPTER_DTYPES = (DataType.FLOAT_32, DataType.BFLOAT_16)
_LORA = is_one_of("peft_type", "LORA")
_LOKR = is_one_of("peft_type", "LOKR")
_OFT = is_one_of("peft_type", "OFT_2")
_HAS_EMBEDDINGS = models_with(lambda facts: "EMBEDDING" in facts.methods)

LORA = Section(
    "lora",
    "Adapter",
    {
        "peft_type": Setting(
            "Kind of adapter",
            "LoRA is understood by every program. LoHa and LoKr describe changes with fewer numbers, OFT rotates the "
            "inputs of linear layers instead of adding to weights. ComfyUI reads LoHa and LoKr where it reads a LoRA, "
            "InvokeAI mostly not; OFT is read by OneTrainer and this program only.",
            ADVANCED,
        ),
        "lora_model_name": Setting(
            "Start from",
            "An existing adapter file to train on. Empty starts a new one.",
            ADVANCED,
        ),
        "lora_rank": Setting(
            "Rank",
            "How much the adapter can hold. 8 to 32 suits a subject or a style; more makes larger files that learn "
            "mistakes in the pictures too.",
            ESSENTIAL,
            when=is_one_of("peft_type", "LORA", "LOHA"),
        ),
        "lora_alpha": Setting(
            "Alpha",
            "Strength of the adapter is alpha divided by rank. Keep it fixed and change the learning rate instead; "
            "alpha equal to rank learns faster than the usual 1.",
            COMMON,
            when=is_one_of("peft_type", "LORA", "LOHA", "LOKR"),
        ),
        "dropout_probability": Setting(
            "Dropout",
            "Share of the adapter that is switched off at random in every step, which makes it rely less on single "
            "details of the pictures: of its inputs for LoRA, of its layers for LoHa and LoKr, of its blocks for OFT. "
            "0.1 is a usual value for small sets.",
            ADVANCED,
        ),
        "lora_weight_dtype": Setting(
            "Adapter precision",
            "Number format in which the adapter is trained. float32 costs little, since adapters are small.",
            ADVANCED,
            options=choices(_ADAPTER_DTYPES),
            known=PLAIN_DTYPES,
        ),
        "bundle_additional_embeddings": Setting(
            "Put embeddings into the file",
            "Store trained additional embeddings inside the adapter file instead of beside it.",
            ADVANCED,
            when=_HAS_EMBEDDINGS,
        ),
    },
    when=method("LORA"),
)

DORA = Section(
    "lora",
    "DoRA",
    {
        "lora_decompose": Setting(
            "Separate size and direction",
            "Train the length of each weight apart from its direction (DoRA). Closer to fine-tuning, slower, and not "
            "every program reads it: ComfyUI does; diffusers needs the diffusers format and lengths by output.",
            ADVANCED,
            when=_LORA,
        ),
        "lora_decompose_norm_epsilon": Setting(
            "Protect against zero length",
            "Add a tiny number when lengths are divided. Keeps training stable in low precision.",
            EXPERT,
            when=_LORA + is_on("lora_decompose"),
        ),
        "lora_decompose_output_axis": Setting(
            "Length per output",
            "Measure lengths along the outputs of a layer instead of its inputs. Diffusers knows these only, ComfyUI "
            "applies them wrong.",
            EXPERT,
            when=_LORA + is_on("lora_decompose"),
        ),
    },
    when=method("LORA"),
)

OTHER_ADAPTERS = Section(
    "lora",
    "OFT and LoKr",
    {
        "oft_block_size": Setting(
            "Block size",
            "How many channels are rotated together. Larger blocks can learn more and make larger files.",
            COMMON,
            when=_OFT,
        ),
        "oft_block_share": Setting(
            "One rotation for all blocks",
            "Share the same rotation between all blocks of a layer: a much smaller file that can learn less.",
            EXPERT,
            when=_OFT,
        ),
        "oft_scaled": Setting(
            "Scale rotations",
            "Divide rotations by the block size, so that one learning rate suits every size.",
            EXPERT,
            when=_OFT,
        ),
        "lokr_dim": Setting(
            "Dimension",
            "Size of the low-rank factor of LoKr. Larger holds more.",
            COMMON,
            when=_LOKR,
        ),
        "lokr_decompose_factor": Setting(
            "Factor",
            "Into which blocks a weight is split. -1 takes the most even split; small numbers make larger files.",
            ADVANCED,
            when=_LOKR,
        ),
        "lokr_decompose_both": Setting(
            "Decompose both factors",
            "Describe the first factor by a low rank too, which makes the file even smaller.",
            EXPERT,
            when=_LOKR,
        ),
        "lokr_use_tucker": Setting(
            "Tucker form for convolutions",
            "Decompose convolutions by their channels and keep the kernel apart.",
            EXPERT,
            when=_LOKR,
        ),
        "lokr_full_matrix": Setting(
            "Full second factor",
            "Keep the second factor whole instead of low-rank: the strongest form of LoKr.",
            ADVANCED,
            when=_LOKR,
        ),
        "lokr_weight_decompose": Setting(
            "Separate size and direction",
            "Train the length of each weight apart from its direction, as DoRA does for LoRA.",
            EXPERT,
            when=_LOKR,
        ),
        "lokr_dora_on_output": Setting(
            "Length per output",
            "Measure these lengths along the outputs of a layer. ComfyUI applies them wrong: off is right there.",
            EXPERT,
            when=_LOKR + is_on("lokr_weight_decompose"),
        ),
        "lokr_vec_trick": Setting(
            "Never build the product",
            "Apply both factors one after the other instead of multiplying them first. Saves memory at equal results.",
            EXPERT,
            when=_LOKR,
            no_effect="The library of the adapters, peft, computes them by its own rule.",
        ),
    },
    when=method("LORA"),
)

EMBEDDING = Section(
    "embedding",
    "Embeddings",
    {
        "embedding": Setting(
            "Embedding",
            "The new word that the method embedding trains.",
            ESSENTIAL,
            when=method("EMBEDDING"),
        ),
        "embedding_learning_rate": Setting(
            "Embedding learning rate",
            "How fast the vectors of embeddings move. Empty takes the common learning rate, which is usually too low "
            "for them: try 0.001 and more.",
            COMMON,
        ),
        "embedding_weight_dtype": Setting(
            "Embedding precision",
            "Number format in which embeddings are trained. They are tiny, so float32 costs nothing.",
            EXPERT,
            options=choices(_ADAPTER_DTYPES),
            known=PLAIN_DTYPES,
        ),
        "preserve_embedding_norm": Setting(
            "Keep embeddings of usual length",
            "Rescale trained vectors to the length of ordinary words after each step, which keeps them from "
            "overpowering the rest of a prompt.",
            ADVANCED,
        ),
        "additional_embeddings": Setting(
            "Additional embeddings",
            "Further new words that are trained or used together with the model or adapter.",
            ADVANCED,
        ),
    },
    when=_HAS_EMBEDDINGS,
)

EMBEDDING_SETTINGS = {
    "placeholder": Setting(
        "Placeholder",
        "The word that stands for the embedding in captions and prompts. Choose one that no caption uses otherwise.",
        ESSENTIAL,
    ),
    "model_name": Setting(
        "Start from",
        "An existing embedding file to train on. Empty starts a new one.",
        ADVANCED,
    ),
    "initial_embedding_text": Setting(
        "Initial text",
        "Words whose vectors the new ones start from; a short description of the subject learns faster than *.",
        COMMON,
    ),
    "token_count": Setting(
        "Number of vectors",
        "How many word vectors stand for the placeholder. More hold more and leave less room in a prompt; empty takes "
        "as many as the initial text has.",
        COMMON,
        unit="tokens",
    ),
    "train": Setting(
        "Train it",
        "Turn it off to use an existing embedding in captions without changing it.",
        COMMON,
    ),
    "stop_training_after": Setting(
        "Stop after",
        "Keep the vectors as they are from this point on while the rest of the model goes on learning.",
        ADVANCED,
        unit_path="stop_training_after_unit",
    ),
    "stop_training_after_unit": Setting(
        "Unit of the stop",
        "What the limit counts: epochs, steps or time. Never trains to the end.",
        ADVANCED,
    ),
    "is_output_embedding": Setting(
        "After the text encoder",
        "Train vectors that replace the output of the text encoder instead of its input.",
        EXPERT,
    ),
    "uuid": Setting(
        "Identity",
        "A fixed random name by which backups recognise the embedding. There is no need to change it.",
        EXPERT,
    ),
}

SECTIONS = (LORA, DORA, OTHER_ADAPTERS, EMBEDDING)
