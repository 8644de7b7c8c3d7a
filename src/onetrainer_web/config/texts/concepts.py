"""Texts of a concept, its pictures and its captions."""

from onetrainer_web.config.texts.base import ADVANCED, COMMON, ESSENTIAL, EXPERT, Text, When, is_on, is_one_of

_IMAGE = "concepts[].image"
_TEXT = "concepts[].text"
_HAS_DROPOUT = is_on(f"{_TEXT}.tag_dropout_enable")
_HAS_SPECIAL_TAGS = _HAS_DROPOUT + is_one_of(f"{_TEXT}.tag_dropout_special_tags_mode", "BLACKLIST", "WHITELIST")
_HAS_CAPS = is_on(f"{_TEXT}.caps_randomize_enable")


def _unless_random(change: str) -> When:
    """A fixed change matters only where the random one is off, which wins."""
    return is_one_of(f"{_IMAGE}.enable_random_{change}", False)


CONCEPT_TEXTS = {
    "name": Text(
        "Name",
        "What the concept is called in lists and in the validation loss. Empty shows the name of the folder.",
        COMMON,
    ),
    "path": Text(
        "Folder",
        "The folder with the training pictures, absolute or as seen from the workspace; or a data set on Hugging Face.",
        ESSENTIAL,
    ),
    "enabled": Text(
        "Enabled",
        "Turn it off to leave these pictures out of a run without forgetting their settings.",
        COMMON,
    ),
    "type": Text(
        "Purpose",
        "Standard pictures are learned. Validation pictures only measure. Prior prediction holds the model, on these "
        "pictures, to what it drew before, so that it forgets less.",
        ADVANCED,
    ),
    "include_subdirectories": Text(
        "With subfolders",
        "Also take pictures from the folders inside the folder.",
        COMMON,
    ),
    "balancing": Text(
        "Balancing",
        "How often these pictures appear in an epoch: as a factor, 2 takes each twice and 0.5 every other one; as "
        "samples, exactly that many pictures.",
        COMMON,
    ),
    "balancing_strategy": Text(
        "Meaning of balancing",
        "Repeats multiplies the number of pictures; samples sets it, which keeps concepts of different size equal.",
        COMMON,
    ),
    "loss_weight": Text(
        "Loss weight",
        "How much these pictures count. Below 1 for pictures that only accompany the subject.",
        ADVANCED,
    ),
    "image_variations": Text(
        "Picture variations",
        "How many differently cropped or changed versions of each picture are kept in the cache. Only useful with "
        "random changes.",
        ADVANCED,
    ),
    "text_variations": Text(
        "Caption variations",
        "How many versions of each caption are kept in the cache. Only useful with shuffled or dropped tags, or "
        "several captions a picture.",
        ADVANCED,
    ),
    "seed": Text(
        "Seed",
        "Start of the random choices for this concept. Another number gives other crops and flips.",
        EXPERT,
    ),
    "image": Text("Picture changes", "How the pictures of this concept are varied before they are learned.", COMMON),
    "text": Text("Captions", "Where captions come from and how they are varied before they are learned.", COMMON),
    "concept_stats": Text(
        "Statistics",
        "Counts and sizes that were measured when somebody looked at the folder. Training does not read them.",
        EXPERT,
    ),
}

IMAGE_TEXTS = {
    "enable_crop_jitter": Text(
        "Move the crop",
        "Where a picture does not fit its shape exactly, cut it at a random place instead of the middle.",
        COMMON,
    ),
    "enable_random_flip": Text(
        "Flip at random",
        "Mirror every other picture. Doubles what there is to see; not for faces with a parting, text or logos.",
        COMMON,
    ),
    "enable_fixed_flip": Text(
        "Flip always",
        "Mirror every picture of this concept.",
        EXPERT,
        when=_unless_random("flip"),
    ),
    "enable_random_rotate": Text(
        "Rotate at random",
        "Turn pictures by an angle up to the given one, left or right.",
        ADVANCED,
    ),
    "enable_fixed_rotate": Text(
        "Rotate always",
        "Turn every picture by the given angle.",
        EXPERT,
        when=_unless_random("rotate"),
    ),
    "random_rotate_max_angle": Text(
        "Angle",
        "How far pictures are turned at most. More than a few degrees teaches crooked horizons.",
        ADVANCED,
        unit="°",
    ),
    "enable_random_brightness": Text("Brightness at random", "Make pictures darker or brighter by chance.", ADVANCED),
    "enable_fixed_brightness": Text(
        "Brightness always",
        "Make every picture brighter by the given strength.",
        EXPERT,
        when=_unless_random("brightness"),
    ),
    "random_brightness_max_strength": Text(
        "Strength of brightness",
        "How much brightness changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_contrast": Text("Contrast at random", "Make pictures flatter or harsher by chance.", ADVANCED),
    "enable_fixed_contrast": Text(
        "Contrast always",
        "Raise the contrast of every picture by the given strength.",
        EXPERT,
        when=_unless_random("contrast"),
    ),
    "random_contrast_max_strength": Text(
        "Strength of contrast",
        "How much contrast changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_saturation": Text("Saturation at random", "Make colours paler or stronger by chance.", ADVANCED),
    "enable_fixed_saturation": Text(
        "Saturation always",
        "Make the colours of every picture stronger by the given strength.",
        EXPERT,
        when=_unless_random("saturation"),
    ),
    "random_saturation_max_strength": Text(
        "Strength of saturation",
        "How much saturation changes at most: 0.1 is a tenth.",
        ADVANCED,
    ),
    "enable_random_hue": Text("Hue at random", "Turn all colours around the colour wheel by chance.", ADVANCED),
    "enable_fixed_hue": Text(
        "Hue always",
        "Turn the colours of every picture by half the given strength.",
        EXPERT,
        when=_unless_random("hue"),
    ),
    "random_hue_max_strength": Text(
        "Strength of hue",
        "How far colours turn: 1 goes once around the wheel. Small values already look strange.",
        ADVANCED,
    ),
    "enable_resolution_override": Text(
        "Own resolution",
        "Use another resolution for this concept than for the run.",
        ADVANCED,
    ),
    "resolution_override": Text(
        "Resolution of this concept",
        "Written like the resolution of the run: 512, 512,768 or 1024x768.",
        ADVANCED,
        unit="px",
        when=is_on(f"{_IMAGE}.enable_resolution_override"),
    ),
    "enable_random_circular_mask_shrink": Text(
        "Shrink masks at random",
        "Cut masks down to a circle of random size, so that the model does not learn the shape of the mask.",
        EXPERT,
        when=is_on("masked_training"),
    ),
    "enable_random_mask_rotate_crop": Text(
        "Crop to the mask",
        "Turn pictures a little and cut them closely around the mask, by chance.",
        EXPERT,
        when=is_on("masked_training"),
    ),
}

TEXT_TEXTS = {
    "prompt_source": Text(
        "Caption source",
        "A text file beside each picture is the usual way: one caption a line, one of them is chosen. One text for the "
        "whole concept or the file name do for simple sets.",
        ESSENTIAL,
    ),
    "prompt_path": Text(
        "Caption file",
        "The text file whose lines are the captions of all pictures of this concept.",
        COMMON,
        when=is_one_of(f"{_TEXT}.prompt_source", "concept"),
    ),
    "enable_tag_shuffling": Text(
        "Shuffle tags",
        "Put the tags of a caption into random order, so that the model does not depend on it. Not for sentences.",
        COMMON,
    ),
    "tag_delimiter": Text(
        "Tag separator",
        "The character that stands between the tags of a caption.",
        ADVANCED,
    ),
    "keep_tags_count": Text(
        "Tags to keep in front",
        "This many first tags are never moved or dropped: put the trigger word there.",
        COMMON,
        unit="tags",
    ),
    "tag_dropout_enable": Text(
        "Drop tags",
        "Leave out tags at random, so that the model also works with short prompts.",
        ADVANCED,
    ),
    "tag_dropout_mode": Text(
        "What is dropped",
        "Full drops all tags at once, random each by itself, weighted the later ones more often.",
        ADVANCED,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_probability": Text(
        "Probability of dropping",
        "How often tags are dropped: 0 never, 1 always.",
        ADVANCED,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_special_tags_mode": Text(
        "Special tags",
        "Whitelist never drops the special tags, blacklist drops only them.",
        EXPERT,
        when=_HAS_DROPOUT,
    ),
    "tag_dropout_special_tags": Text(
        "List of special tags",
        "The tags themselves, or the path of a .txt or .csv file that holds them.",
        EXPERT,
        when=_HAS_SPECIAL_TAGS,
    ),
    "tag_dropout_special_tags_regex": Text(
        "Special tags are patterns",
        "Read the special tags as regular expressions that must match a whole tag.",
        EXPERT,
        when=_HAS_SPECIAL_TAGS,
    ),
    "caps_randomize_enable": Text(
        "Vary capital letters",
        "Write captions in different cases at random, so that prompts need not match them.",
        EXPERT,
    ),
    "caps_randomize_mode": Text(
        "Kinds of capitals",
        "Which cases are used, separated by commas: capslock, title, first, random.",
        EXPERT,
        when=_HAS_CAPS,
    ),
    "caps_randomize_probability": Text(
        "Probability of capitals",
        "How often the case of a caption is changed.",
        EXPERT,
        when=_HAS_CAPS,
    ),
    "caps_randomize_lowercase": Text(
        "Lower case first",
        "Turn the whole caption into lower case before anything else.",
        EXPERT,
    ),
}
