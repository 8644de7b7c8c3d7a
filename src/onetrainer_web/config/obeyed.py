"""What the native trainer does with the settings today.

A setting that is missing here is understood, kept and written, but has no effect on a run yet; checking a
configuration says so when somebody sets it. Teaching the trainer another setting means adding its path here; a test
sees what a training reads. What it knows of optimizers stands in their own tables.
"""

from collections.abc import Mapping

from onetrainer_web.config.concepts import ConceptImageConfig, ConceptTextConfig
from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import PACKED_TYPES
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.optimizer_tables import LACKING, LIBRARIES, PARAMETERS


def _paths(parent: str, names: str) -> set[str]:
    return {f"{parent}{name}" for name in names.split()}


_TRAINED = [facts for facts in MODEL_TYPES.values() if facts.trained_here]
_DENOISERS = {facts.denoiser for facts in _TRAINED}
_ENCODERS = {encoder.part for facts in _TRAINED for encoder in facts.encoders}
_FROZEN = (
    *("vae", "effnet_encoder", "decoder", "decoder_text_encoder", "decoder_vqgan"),
    "unconditional_transformer",
)

OBEYED = frozenset(
    _paths(
        "",
        """
        training_method model_type base_model_name
        output_model_destination output_model_format output_dtype include_train_config describe_output
        prevent_overwrites
        workspace_dir cache_dir continue_last_backup tensorboard huggingface_cache_dir offline_mode
        concept_file_name concepts aspect_ratio_bucketing latent_caching resolution dataloader_threads
        learning_rate learning_rate_scheduler learning_rate_warmup_steps learning_rate_min_factor learning_rate_cycles
        custom_learning_rate_scheduler scheduler_params learning_rate_scaler
        clip_grad_norm epochs batch_size gradient_accumulation_steps
        ema ema_decay ema_update_step_interval
        multi_gpu device_indexes keep_effective_batch gradient_reduce_precision
        fused_gradient_reduce async_gradient_reduce async_gradient_reduce_buffer
        train_device train_dtype enable_autocast_cache attention_mechanism compile only_cache
        mse_strength mae_strength log_cosh_strength huber_strength huber_delta vb_loss_strength loss_scaler
        loss_weight_fn loss_weight_strength
        masked_training unmasked_weight unmasked_probability normalize_masked_area_loss
        masked_prior_preservation_weight custom_conditioning_image reference_dropout_probability
        force_circular_padding
        offset_noise_weight generalized_offset_noise perturbation_noise_weight
        rescale_noise_scheduler_to_zero_terminal_snr force_v_prediction force_epsilon_prediction
        timestep_distribution min_noising_strength max_noising_strength noising_weight noising_bias
        timestep_shift dynamic_timestep_shifting
        layer_filter layer_filter_preset layer_filter_regex
        peft_type lora_model_name lora_rank lora_alpha lora_weight_dtype dropout_probability
        lora_decompose lora_decompose_norm_epsilon lora_decompose_output_axis
        lokr_dim lokr_decompose_both lokr_decompose_factor lokr_use_tucker lokr_full_matrix
        lokr_weight_decompose lokr_dora_on_output oft_block_size oft_block_share oft_scaled
        embedding additional_embeddings bundle_additional_embeddings
        embedding_learning_rate embedding_weight_dtype preserve_embedding_norm
        optimizer optimizer_defaults
        samples sample_definition_file_name sample_after sample_after_unit sample_skip_first sample_image_format
        sample_video_format frames
        non_ema_sampling samples_to_tensorboard
        backup_after backup_after_unit rolling_backup rolling_backup_count backup_before_save
        save_every save_every_unit save_skip_first save_filename_prefix
        validation validate_after validate_after_unit keep_best early_stopping_patience
        vae text_encoder_sequence_length text_encoder_2_sequence_length secrets
        """,
    )
    # The cache knows by content what is still valid: emptied or not, the training is the same.
    | {"clear_cache_before_training"}
    | _DENOISERS
    | _ENCODERS
    | {f"{encoder}_layer_skip" for encoder in _ENCODERS}
    | {
        f"{denoiser}.{name}"
        for denoiser in _DENOISERS
        for name in ("train", "learning_rate", "weight_dtype", "gradient_checkpointing")
        + ("stop_training_after", "stop_training_after_unit")
    }
    | _paths("transformer.", "model_name guidance_scale attention_mask")
    | {f"{part}.include" for facts in _TRAINED for part in facts.parts if facts.can_leave_out(part)}
    | {
        f"{encoder}.{name}"
        for encoder in _ENCODERS
        for name in ("train", "learning_rate", "weight_dtype", "gradient_checkpointing", "dropout_probability")
        + ("stop_training_after", "stop_training_after_unit", "train_embedding")
    }
    | _paths("vae.", "weight_dtype model_name learning_rate gradient_checkpointing")
    | _paths("vae.", "stop_training_after stop_training_after_unit")
    | {
        f"{owner}.{name}"
        for owner in ("embedding", "additional_embeddings[]")
        for name in TrainEmbeddingConfig.model_fields
    }
    | {"text_encoder_4.model_name", "prior.model_name"}
    | _paths("effnet_encoder.", "model_name weight_dtype")
    | _paths("decoder.", "model_name weight_dtype")
    | {"decoder_text_encoder.weight_dtype", "decoder_vqgan.weight_dtype", "unconditional_transformer.weight_dtype"}
    | {"optimizer.optimizer"}
    | {
        f"optimizer.{name}"
        for optimizer, parameters in PARAMETERS.items()
        for name in parameters.keys() - LACKING.get(optimizer, frozenset[str]())
    }
    | _paths("concepts[].", "name path enabled type seed include_subdirectories balancing balancing_strategy")
    | _paths("concepts[].", "loss_weight image_variations text_variations image text concept_stats")
    | {f"concepts[].image.{name}" for name in ConceptImageConfig.model_fields}
    | {f"concepts[].text.{name}" for name in ConceptTextConfig.model_fields}
    | {"quantization"}
    | {f"{part}.offload_fraction" for part in (*_FROZEN, *_DENOISERS, *_ENCODERS)}
    | {f"{part}.activation_offloading" for part in _DENOISERS | _ENCODERS}
    | _paths("quantization.", "layer_filter layer_filter_preset layer_filter_regex")
    | _paths(
        "samples[].", "enabled prompt negative_prompt width height frames seed random_seed diffusion_steps cfg_scale"
    )
    | _paths("samples[].", "noise_scheduler force_last_timestep sample_inpainting base_image_path mask_image_path")
    | _paths("samples[].", "text_encoder_1_layer_skip text_encoder_2_layer_skip text_encoder_3_layer_skip")
    | _paths("secrets.", "huggingface_token")
)

_PLAIN_DTYPES = frozenset({"FLOAT_32", "TFLOAT_32", "BFLOAT_16", "FLOAT_16"})

OBEYED_VALUES: Mapping[str, frozenset[str]] = {
    "model_type": frozenset(model for model, facts in MODEL_TYPES.items() if facts.trained_here),
    "training_method": frozenset(method for facts in MODEL_TYPES.values() for method in facts.trained_here),
    "optimizer.optimizer": frozenset(
        {"ADAM", "ADAMW", "SGD", "ADAGRAD", "RMSPROP", "ADAFACTOR", *(optimizer.value for optimizer in LIBRARIES)}
    ),
    "learning_rate_scheduler": frozenset(
        {"CONSTANT", "LINEAR", "COSINE", "COSINE_WITH_RESTARTS", "COSINE_WITH_HARD_RESTARTS", "REX", "CUSTOM"}
    ),
    "sample_video_format": frozenset({"MP4"}),
    "train_dtype": _PLAIN_DTYPES,
    "lora_weight_dtype": _PLAIN_DTYPES,
    "embedding_weight_dtype": _PLAIN_DTYPES,
    **{f"{part}.weight_dtype": _PLAIN_DTYPES | PACKED_TYPES for part in (*_FROZEN, *_DENOISERS, *_ENCODERS)},
    "concepts[].type": frozenset({"STANDARD", "VALIDATION", "PRIOR_PREDICTION"}),
}
"""Choices that the trainer knows today, for settings of which it knows only some; with any other it does not start."""
