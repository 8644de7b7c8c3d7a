"""Texts of a concept, its pictures and its captions."""

from onetrainer_web.config.settings.base import (
    ADVANCED,
    COMMON,
    ESSENTIAL,
    EXPERT,
    Setting,
    When,
    Widget,
    is_on,
    is_one_of,
)

_IMAGE = "concepts[].image"
_TEXT = "concepts[].text"
_HAS_DROPOUT = is_on(f"{_TEXT}.tag_dropout_enable")
_HAS_SPECIAL_TAGS = _HAS_DROPOUT + is_one_of(f"{_TEXT}.tag_dropout_special_tags_mode", "BLACKLIST", "WHITELIST")
_HAS_CAPS = is_on(f"{_TEXT}.caps_randomize_enable")


def _unless_random(change: str) -> When:
    """A fixed change matters only where the random one is off, which wins."""
    return is_one_of(f"{_IMAGE}.enable_random_{change}", False)


CONCEPT_SETTINGS = {
    "name": Setting(
        "Name",
        "What the concept is called in lists and in the validation loss. Empty shows the name of the folder.",
        COMMON,
    ),
    "path": Setting(
        "Folder",
        "The folder with the training pictures, absolute or as seen from the workspace; or a data set on Hugging Face.",
        ESSENTIAL,
        widget=Widget.FOLDER,
    ),
    "enabled": Setting(
        "Enabled",
        "Turn it off to leave these pictures out of a run without forgetting their settings.",
        COMMON,
    ),
    "type": Setting(
        "Purpose",
        "Standard pictures are learned. Validation pictures only measure. Prior prediction holds the model, on these "
        "pictures, to what it drew before, so that it forgets less.",
        ADVANCED,
    ),
    "include_subdirectories": Setting(
        "With subfolders",
        "Also take pictures from the folders inside the folder.",
        COMMON,
    ),
    "balancing": Setting(
        "Balancing",
        "How often these pictures appear in an epoch: as a factor, 2 takes each twice and 0.5 every other one; as "
        "samples, exactly that many pictures.",
        COMMON,
    ),
    "balancing_strategy": Setting(
        "Meaning of balancing",
        "Repeats multiplies the number of pictures; samples sets it, which keeps concepts of different size equal.",
        COMMON,
    ),
    "loss_weight": Setting(
        "Loss weight",
        "How much these pictures count. Below 1 for pictures that only accompany the subject.",
        ADVANCED,
    ),
    "image_variations": Setting(
        "Picture variations",
        "How many differently cropped or changed versions of each picture are kept in the cache. Only useful with "
        "random changes.",
        ADVANCED,
    ),
    "text_variations": Setting(
        "Caption variations",
        "How many versions of each caption are kept in the cache. Only useful with shuffled or dropped tags, or "
        "several captions a picture.",
        ADVANCED,
    ),
    "seed": Setting(
        "Seed",
        "Start of the random choices for this concept. Another number gives other crops and flips.",
        EXPERT,
    ),
    "image": Setting("Picture changes", "How the pictures of this concept are varied before they are learned.", COMMON),
    "text": Setting("Captions", "Where captions come from and how they are varied before they are learned.", COMMON),
    "concept_stats": Setting(
        "Statistics",
        "Counts and sizes that were measured when somebody looked at the folder. Training does not read them.",
        EXPERT,
        widget=Widget.NONE,
    ),
}

IMAGE_SETTINGS = {
    "enable_crop_jitter": Setting(
        "Move the crop",
        "Where a picture does not fit its shape exactly, cut it at a random place instead of the middle.",
        COMMON,
    ),
    "enable_random_flip": Setting(
        "Flip at random",
        "Mirror every other picture. Doubles what there is to see; not for faces with a parting, text or logos.",
        COMMON,
    ),
    "enable_fixed_flip": Setting(
        "Flip always",
        "Mirror every picture of this concept.",
        EXPERT,
        when=_unless_random("flip"),
    ),
    "enable_random_rotate": Setting(
        "Rotate at random",
        "Turn pictures by an angle up to the given one, left or right.",
        ADVANCED,
    ),
    "enable_fixed_rotate": Setting(
        "Rotate always",
        "Turn every picture by the given angle.",
        EXPERT,
        when=_unless_random("rotate"),
    ),
    "random_rotate_max_angle": Setting(
        "Angle",
        "How far pictures are turned at most. More than a few degrees teaches crooked horizons.",
        ADVANCED,
        unit="°",
    ),
    "enable_random_brightness": Setting(
        "Brightness at random", "Make pictures darker or brighter by chance.", ADVANCED
    ),
    "enable_fixed_brightness": Setting(
        "Brightness always",
        "Make every picture brighter by the given strength.",
        EXPERT,
        when=_unless_random("brightness"),
    ),
    "random_brightness_max_strength": Setting(
        "Strength of brightness",
        "How much brightness changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_contrast": Setting("Contrast at random", "Make pictures flatter or harsher by chance.", ADVANCED),
    "enable_fixed_contrast": Setting(
        "Contrast always",
        "Raise the contrast of every picture by the given strength.",
        EXPERT,
        when=_unless_random("contrast"),
    ),
    "random_contrast_max_strength": Setting(
        "Strength of contrast",
        "How much contrast changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_saturation": Setting("Saturation at random", "Make colours paler or stronger by chance.", ADVANCED),
    "enable_fixed_saturation": Setting(
        "Saturation always",
        "Make the colours of every picture stronger by the given strength.",
        EXPERT,
        when=_unless_random("saturation"),
    ),
    "random_saturation_max_strength": Setting(
        "Strength of saturation",
        "How much saturation changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_hue": Setting("Hue at random", "Turn all colours around the colour wheel by chance.", ADVANCED),
    "enable_fixed_hue": Setting(
        "Hue always",
        "Turn the colours of every picture by half the given strength.",
        EXPERT,
        when=_unless_random("hue"),
    ),
    "random_hue_max_strength": Setting(
        "Strength of hue",
        "How far colours turn: 1 goes once around the wheel. Small values already look strange.",
        ADVANCED,
    ),
    "enable_resolution_override": Setting(
        "Own resolution",
        "Use another resolution for this concept than for the run.",
        ADVANCED,
    ),
    "resolution_override": Setting(
        "Resolution of this concept",
        "Written like the resolution of the run: 512, 512,768 or 1024x768.",
        ADVANCED,
        unit="px",
        when=is_on(f"{_IMAGE}.enable_resolution_override"),
    ),
    "enable_random_circular_mask_shrink": Setting(
        "Shrink masks at random",
        "Cut masks down to a circle of random size, so that the model does not learn the shape of the mask.",
        EXPERT,
        when=is_on("masked_training"),
    ),
    "enable_random_mask_rotate_crop": Setting(
        "Crop to the mask",
        "Turn pictures a little and cut them closely around the mask, by chance.",
        EXPERT,
        when=is_on("masked_training"),
    ),
}

CAPTION_SETTINGS = {
    "prompt_source": Setting(
        "Caption source",
        "A text file beside each picture is the usual way: one caption a line, one of them is chosen. One text for the "
        "whole concept or the file name do for simple sets.",
        ESSENTIAL,
    ),
    "prompt_path": Setting(
        "Caption file",
        "The text file whose lines are the captions of all pictures of this concept.",
        COMMON,
        when=is_one_of(f"{_TEXT}.prompt_source", "concept"),
    ),
    "enable_tag_shuffling": Setting(
        "Shuffle tags",
        "Put the tags of a caption into random order, so that the model does not depend on it. Not for sentences.",
        COMMON,
    ),
    "tag_delimiter": Setting(
        "Tag separator",
        "The character that stands between the tags of a caption.",
        ADVANCED,
    ),
    "keep_tags_count": Setting(
        "Tags to keep in front",
        "This many first tags are never moved or dropped: put the trigger word there.",
        COMMON,
        unit="tags",
    ),
    "tag_dropout_enable": Setting(
        "Drop tags",
        "Leave out tags at random, so that the model also works with short prompts.",
        ADVANCED,
    ),
    "tag_dropout_mode": Setting(
        "What is dropped",
        "Full drops all tags at once, random each by itself, weighted the later ones more often.",
        ADVANCED,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_probability": Setting(
        "Probability of dropping",
        "How often tags are dropped: 0 never, 1 always.",
        ADVANCED,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_special_tags_mode": Setting(
        "Special tags",
        "Whitelist never drops the special tags, blacklist drops only them.",
        EXPERT,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_special_tags": Setting(
        "List of special tags",
        "The tags themselves, or the path of a .txt or .csv file that holds them.",
        EXPERT,
        when=_HAS_SPECIAL_TAGS,
    ),
    "tag_dropout_special_tags_regex": Setting(
        "Special tags are patterns",
        "Read the special tags as regular expressions that must match a whole tag.",
        EXPERT,
        when=_HAS_SPECIAL_TAGS,
    ),
    "caps_randomize_enable": Setting(
        "Vary capital letters",
        "Write captions in different cases at random, so that prompts need not match them.",
        EXPERT,
    ),
    "caps_randomize_mode": Setting(
        "Kinds of capitals",
        "Which cases are used, separated by commas: capslock, title, first, random.",
        EXPERT,
        when=_HAS_CAPS,
    ),
    "caps_randomize_probability": Setting(
        "Probability of capitals",
        "How often the case of a caption is changed.",
        EXPERT,
        when=_HAS_CAPS,
    ),
    "caps_randomize_lowercase": Setting(
        "Lower case first",
        "Turn the whole caption into lower case before anything else.",
        EXPERT,
    ),
}
