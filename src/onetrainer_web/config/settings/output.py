"""Texts of the tabs sampling and backup, and of a single sample."""

from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    ESSENTIAL,
    EXPERT,
    Section,
    Setting,
    When,
    Widget,
    is_on,
    is_one_of,
    models_with,
)

_NO_SOUND = "No family that is trained here makes sound."
_AS_TRAINED = "Samples see prompts as the training does."
_HAS_EMA = is_one_of("ema", "GPU", "CPU")
_IS_VIDEO = models_with(lambda facts: facts.is_video)
_SEES_PICTURES = models_with(lambda facts: facts.has_mask_input or facts.has_depth_input or facts.has_reference_input)
_CAN_INPAINT = models_with(lambda facts: facts.has_mask_input)
_SAVES = is_one_of("save_every_unit", "EPOCH", "STEP", "SECOND", "MINUTE", "HOUR", "ALWAYS")


def _skips_layers(number: int) -> When:
    """Only for models that have this text encoder, and can do without its last layers."""
    part = "text_encoder" if number == 1 else f"text_encoder_{number}"
    return models_with(lambda facts: any(one.part == part and one.can_skip_layers for one in facts.encoders))


SAMPLING = Section(
    "sampling",
    "Samples",
    {
        "samples": Setting(
            "Samples",
            "Prompts that are drawn again and again while training, so that progress can be seen. The same seed makes "
            "them comparable.",
            ESSENTIAL,
        ),
        "sample_after": Setting(
            "Sample every",
            "How often these pictures are drawn. Drawing takes time from training: a few times an hour, or once an "
            "epoch, is usual.",
            COMMON,
            unit_path="sample_after_unit",
        ),
        "sample_after_unit": Setting(
            "Unit of the sampling interval",
            "What the interval counts: epochs, steps or time. Never draws only on request.",
            COMMON,
        ),
        "sample_skip_first": Setting(
            "No samples before",
            "Skip drawing until this point of the run, counted in the same unit.",
            ADVANCED,
            unit_path="sample_after_unit",
        ),
        "sample_image_format": Setting(
            "Picture format",
            "PNG keeps every pixel; JPEG files are several times smaller.",
            ADVANCED,
        ),
        "sample_video_format": Setting(
            "Video format",
            "How samples of video models are stored.",
            EXPERT,
            when=_IS_VIDEO,
            known=frozenset({"MP4"}),
        ),
        "sample_audio_format": Setting(
            "Audio format",
            "How samples of audio models are stored; there are none yet.",
            EXPERT,
            when=is_one_of("model_type"),
            no_effect=_NO_SOUND,
        ),
        "non_ema_sampling": Setting(
            "Also without EMA",
            "Draw each sample a second time from the weights as they are, next to the one from their average.",
            EXPERT,
            when=_HAS_EMA,
        ),
        "samples_to_tensorboard": Setting(
            "Samples in TensorBoard",
            "Also put every sample into the TensorBoard log.",
            ADVANCED,
            when=is_on("tensorboard"),
        ),
        "sample_definition_file_name": Setting(
            "Samples file",
            "A JSON file with the list of samples, used when the configuration itself contains none.",
            ADVANCED,
        ),
    },
)

BACKUPS = Section(
    "backup",
    "Backups for resuming",
    {
        "backup_after": Setting(
            "Back up every",
            "How often the complete state is stored, from which a run can go on as if it had never stopped. Choose how "
            "much work a power cut may cost.",
            COMMON,
            unit_path="backup_after_unit",
        ),
        "backup_after_unit": Setting(
            "Unit of the backup interval",
            "What the interval counts: epochs, steps or time. Never backs up only on request and at the end.",
            COMMON,
        ),
        "rolling_backup": Setting(
            "Keep only the newest",
            "Delete older backups after each successful one. Backups of a whole model take many gigabytes.",
            COMMON,
        ),
        "rolling_backup_count": Setting(
            "Backups to keep",
            "How many of the newest backups stay.",
            COMMON,
            unit="backups",
            when=is_on("rolling_backup"),
        ),
        "backup_before_save": Setting(
            "Back up at the end",
            "Store the complete state once more before the final model is written, so that training can go on later.",
            ADVANCED,
        ),
    },
)

SAVES = Section(
    "backup",
    "Saves for using",
    {
        "save_every": Setting(
            "Save every",
            "How often a usable model file is written during the run, for choosing the best one afterwards.",
            COMMON,
            unit_path="save_every_unit",
            when=_SAVES,
        ),
        "save_every_unit": Setting(
            "Unit of the save interval",
            "What the interval counts: epochs, steps or time. Never writes only the final model.",
            COMMON,
        ),
        "save_skip_first": Setting(
            "No saves before",
            "Skip saving until this point of the run, counted in the same unit.",
            ADVANCED,
            unit_path="save_every_unit",
            when=_SAVES,
        ),
        "save_filename_prefix": Setting(
            "File name prefix",
            "Put in front of the names of saves and samples, to tell runs apart when files are collected in one place.",
            ADVANCED,
        ),
    },
)

SAMPLE_SETTINGS = {
    "enabled": Setting(
        "Draw it",
        "Turn it off to keep the prompt in the list without drawing it.",
        COMMON,
    ),
    "prompt": Setting(
        "Prompt",
        "What the picture shall show. Use the words of your captions, the trigger word too.",
        ESSENTIAL,
        widget=Widget.LINES,
    ),
    "negative_prompt": Setting(
        "Negative prompt",
        "What the picture shall not show. Leave it empty to see what the model does by itself.",
        COMMON,
        when=models_with(lambda facts: facts.has_negative_prompt),
        widget=Widget.LINES,
    ),
    "width": Setting(
        "Width",
        "Width of the picture; rounded to what the model can draw.",
        COMMON,
        unit="px",
    ),
    "height": Setting(
        "Height",
        "Height of the picture; rounded to what the model can draw.",
        COMMON,
        unit="px",
    ),
    "frames": Setting(
        "Frames",
        "Number of frames of a video; 1 draws a single picture.",
        COMMON,
        unit="frames",
        when=_IS_VIDEO,
    ),
    "length": Setting(
        "Length",
        "Duration of an audio sample; there are no such models yet.",
        EXPERT,
        unit="s",
        when=is_one_of("model_type"),
        no_effect=_NO_SOUND,
    ),
    "seed": Setting(
        "Seed",
        "Start of the random numbers. The same seed and prompt show what training has changed.",
        COMMON,
    ),
    "random_seed": Setting(
        "New seed each time",
        "Draw with another seed every time. Shows variety, but pictures of two moments are no longer comparable.",
        ADVANCED,
    ),
    "diffusion_steps": Setting(
        "Steps",
        "How many steps the sampler takes. More is slower and, beyond about 30, rarely better.",
        COMMON,
        unit="steps",
    ),
    "cfg_scale": Setting(
        "Guidance",
        "How closely the picture follows the prompt. Too high burns colours and contrast.",
        COMMON,
    ),
    "noise_scheduler": Setting(
        "Sampler",
        "The method that turns noise into a picture. Only diffusion models have the choice.",
        COMMON,
    ),
    "text_encoder_1_layer_skip": Setting(
        "Skip layers of text encoder 1",
        "Use an earlier layer of the text encoder (clip skip). Set during training from the settings of the encoder.",
        EXPERT,
        unit="layers",
        when=_skips_layers(1),
    ),
    "text_encoder_1_sequence_length": Setting(
        "Prompt length of text encoder 1",
        "How many tokens of the prompt are used. Empty takes the length of the model.",
        EXPERT,
        unit="tokens",
        no_effect=_AS_TRAINED,
    ),
    "text_encoder_2_layer_skip": Setting(
        "Skip layers of text encoder 2",
        "Use an earlier layer of the second text encoder.",
        EXPERT,
        unit="layers",
        when=_skips_layers(2),
    ),
    "text_encoder_2_sequence_length": Setting(
        "Prompt length of text encoder 2",
        "How many tokens of the prompt the second text encoder uses. Empty takes the length of the model.",
        EXPERT,
        unit="tokens",
        no_effect=_AS_TRAINED,
    ),
    "text_encoder_3_layer_skip": Setting(
        "Skip layers of text encoder 3",
        "Use an earlier layer of the third text encoder.",
        EXPERT,
        unit="layers",
        when=_skips_layers(3),
    ),
    "text_encoder_4_layer_skip": Setting(
        "Skip layers of text encoder 4",
        "Use an earlier layer of the fourth text encoder.",
        EXPERT,
        unit="layers",
        no_effect=_AS_TRAINED,
    ),
    "transformer_attention_mask": Setting(
        "Mask unused tokens",
        "Keep the transformer from looking at the empty rest of a prompt. Follows the setting of the training.",
        EXPERT,
        when=models_with(lambda facts: facts.has_attention_mask),
        no_effect=_AS_TRAINED,
    ),
    "force_last_timestep": Setting(
        "Start from pure noise",
        "Begin drawing at the very last noise level, as models trained down to pure noise need it.",
        EXPERT,
    ),
    "sample_inpainting": Setting(
        "Start from a picture",
        "Redraw the masked area of a given picture instead of drawing a whole one; depth models draw by its depth.",
        ADVANCED,
        when=_SEES_PICTURES,
    ),
    "base_image_path": Setting(
        "Picture to start from",
        "The picture whose masked area is redrawn, whose depth is taken, or that is changed as the prompt says.",
        ADVANCED,
        when=_SEES_PICTURES + is_on("samples[].sample_inpainting"),
    ),
    "mask_image_path": Setting(
        "Mask to inpaint",
        "A black picture that is white where the model shall draw.",
        ADVANCED,
        when=_CAN_INPAINT + is_on("samples[].sample_inpainting"),
    ),
}

SECTIONS = (SAMPLING, BACKUPS, SAVES)
