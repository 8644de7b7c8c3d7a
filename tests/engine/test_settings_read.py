"""What a training reads of its configuration is what people are told has an effect."""

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from PIL import Image
from tests.engine.conftest import Lab
from tests.engine.reads import reading

from onetrainer_web.config import output, side_files
from onetrainer_web.config.fields import fields_by_path
from onetrainer_web.config.optimizer_tables import LACKING, PARAMETERS
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop import resuming
from onetrainer_web.engine.optimization import exchange
from onetrainer_web.engine.tasks import work
from onetrainer_web.runs import launcher

WORD = {"placeholder": "<cat>", "token_count": 2, "initial_embedding_text": "red", "stop_training_after_unit": "EPOCH"}
CONCEPT = {
    "path": "datasets/squares",
    "seed": 7,
    "text_variations": 2,
    "image": {"enable_resolution_override": True, "resolution_override": "16"},
    "text": {
        "enable_tag_shuffling": True,
        "tag_dropout_enable": True,
        "tag_dropout_probability": 0.5,
        "tag_dropout_special_tags_mode": "WHITELIST",
        "tag_delimiter": " ",
        "caps_randomize_enable": True,
    },
}
CELLS: Mapping[str, Mapping[str, Any]] = {
    "a decomposed LoRA": {
        "lora_decompose": True,
        "concepts": [CONCEPT],
        "backup_after": 1,
        "backup_after_unit": "STEP",
        "rolling_backup": True,
        "masked_training": True,
        "normalize_masked_area_loss": True,
        "huber_strength": 1.0,
        "layer_filter": "attn",
        "unet": {"weight_dtype": "INT_8"},
        "quantization": {"layer_filter": "attn"},
        "learning_rate_scheduler": "CUSTOM",
        "custom_learning_rate_scheduler": "torch.optim.lr_scheduler.ConstantLR",
    },
    "a LoKr": {"peft_type": "LOKR", "output_model_format": "DIFFUSERS_LORA", "lokr_weight_decompose": True},
    "an OFT": {"peft_type": "OFT_2", "output_model_format": "DIFFUSERS_LORA"},
    "a fine-tuning": {
        "training_method": "FINE_TUNE",
        "output_model_format": "SAFETENSORS",
        "sample_after_unit": "EPOCH",
        "concepts": [CONCEPT, CONCEPT | {"type": "VALIDATION"}],
        "validation": True,
        "validate_after": 1,
        "validate_after_unit": "STEP",
        "ema": "CPU",
        "text_encoder": {"train": True},
    },
    "embeddings": {
        "training_method": "EMBEDDING",
        "output_model_format": "SAFETENSORS",
        "additional_embeddings": [WORD],
    },
    "the autoencoder": {"training_method": "FINE_TUNE_VAE", "output_model_format": "SAFETENSORS"},
}
"""Together they have all kinds of settings of a model that most families have in common."""
ELSEWHERE: Mapping[str, ModuleType] = {
    "concept_file_name": side_files,
    "sample_definition_file_name": side_files,
    "continue_last_backup": resuming,
    "huggingface_cache_dir": work,
    "fallback_train_dtype": output,
    "gradient_reduce_precision": exchange,
    "fused_gradient_reduce": exchange,
    "async_gradient_reduce": exchange,
    "async_gradient_reduce_buffer": exchange,
    "secrets": launcher,
    "secrets.huggingface_token": launcher,
}
"""Who reads it in front of a training, for models that go beyond float16, or where several processes train together."""
KEPT = {
    "clear_cache_before_training",  # the cache knows by content what is still valid: emptied or not, it is the same
    "concepts[].concept_stats",  # what OneTrainer measured, and shows
    "optimizer_defaults",  # what OneTrainer remembers of each optimizer
}
"""What nobody has to read to do what it says."""
WHOLE_LISTS = {f"optimizer.{name}" for names in LACKING.values() for name in names}
"""Parameters of an optimizer are read as a list, from which those that its library lacks are dropped."""
IDENTITY = {"unet.attention_mask", "unet.model_name"}
"""Read for all families alike, of which some have it: what the text cache and the model go by."""


def test_trainings_read_what_is_said_to_have_an_effect_and_nothing_else(lab: Lab) -> None:
    for picture in (lab.workspace / "datasets" / "squares").glob("*.png"):
        Image.new("L", (20, 20), 128).save(picture.with_name(f"{picture.stem}-masklabel.png"))
    with reading() as reads:
        for cell in CELLS.values():
            lab.train(**lab.settings(epochs=1, **cell))
    fields = fields_by_path()
    obeyed = {path for path, field in fields.items() if field.obeyed}
    assert reads.paths - obeyed <= WHOLE_LISTS | IDENTITY
    models = {path: [c.values for c in field.visible_when if c.path == "model_type"] for path, field in fields.items()}
    concerned = {path for path in obeyed if all("STABLE_DIFFUSION_15" in values for values in models[path])}
    used = {f"optimizer.{name}" for name in PARAMETERS[TrainConfig().optimizer.optimizer]}
    parameters = {path for path in obeyed if path.startswith("optimizer.")} - used - {"optimizer.optimizer"}
    assert concerned - parameters - reads.paths == ELSEWHERE.keys() | KEPT


def test_what_is_read_elsewhere_is_read_where_it_is_said_to_be() -> None:
    for path, reader in ELSEWHERE.items():
        assert path.rpartition(".")[2] in inspect.getsource(reader), path
