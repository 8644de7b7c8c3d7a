"""Concepts: folders of training pictures with their settings."""

import random
from typing import ClassVar

from pydantic import Field, JsonValue

from onetrainer_web.config.base import ConfigModel, Count, NonNegative, PositiveCount, Share, Whole
from onetrainer_web.config.enums import BalancingStrategy, ConceptType, PromptSource, SpecialTagsMode, TagDropoutMode

_SEED_RANGE = 2**30  # OneTrainer draws the seed of a new concept from -2^30 to 2^30


def _draw_seed() -> int:
    return random.randint(-_SEED_RANGE, _SEED_RANGE)


class ConceptImageConfig(ConfigModel):
    """How the pictures of a concept are varied."""

    enable_crop_jitter: bool = True
    enable_random_flip: bool = False
    enable_fixed_flip: bool = False
    enable_random_rotate: bool = False
    enable_fixed_rotate: bool = False
    random_rotate_max_angle: NonNegative = 0.0
    enable_random_brightness: bool = False
    enable_fixed_brightness: bool = False
    random_brightness_max_strength: NonNegative = 0.0
    enable_random_contrast: bool = False
    enable_fixed_contrast: bool = False
    random_contrast_max_strength: NonNegative = 0.0
    enable_random_saturation: bool = False
    enable_fixed_saturation: bool = False
    random_saturation_max_strength: NonNegative = 0.0
    enable_random_hue: bool = False
    enable_fixed_hue: bool = False
    random_hue_max_strength: NonNegative = 0.0
    enable_resolution_override: bool = False
    resolution_override: str = "512"
    enable_random_circular_mask_shrink: bool = False
    enable_random_mask_rotate_crop: bool = False


class ConceptTextConfig(ConfigModel):
    """Where the captions of a concept come from, and how they are varied."""

    prompt_source: PromptSource = PromptSource.SAMPLE
    prompt_path: str = ""
    enable_tag_shuffling: bool = False
    tag_delimiter: str = ","
    keep_tags_count: Count = 1
    tag_dropout_enable: bool = False
    tag_dropout_mode: TagDropoutMode = TagDropoutMode.FULL
    tag_dropout_probability: Share = 0.0
    tag_dropout_special_tags_mode: SpecialTagsMode = SpecialTagsMode.NONE
    tag_dropout_special_tags: str = ""
    tag_dropout_special_tags_regex: bool = False
    caps_randomize_enable: bool = False
    caps_randomize_mode: str = "capslock, title, first, random"
    caps_randomize_probability: Share = 0.0
    caps_randomize_lowercase: bool = False


class ConceptConfig(ConfigModel):
    """A folder of training pictures with its settings."""

    version: ClassVar[int] = 2

    image: ConceptImageConfig = ConceptImageConfig()
    text: ConceptTextConfig = ConceptTextConfig()
    name: str = ""
    path: str = ""
    seed: Whole = Field(default_factory=_draw_seed)
    enabled: bool = True
    type: ConceptType = ConceptType.STANDARD
    include_subdirectories: bool = False
    image_variations: PositiveCount = 1
    text_variations: PositiveCount = 1
    balancing: NonNegative = 1.0
    balancing_strategy: BalancingStrategy = BalancingStrategy.REPEATS
    loss_weight: NonNegative = 1.0
    concept_stats: dict[str, JsonValue] = Field(default_factory=dict)
