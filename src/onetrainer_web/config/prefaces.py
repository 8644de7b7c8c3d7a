"""What language models read in front of a prompt, which takes room from it: for the checks and the trainer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preface:
    """A text in front of every prompt that counts as a part of it."""

    text: str
    tokens: int
    """That the published tokenizer makes of it, or about as many."""


CHAT = Preface("<|im_start|>user\n", 3)
"""Of the models of Qwen."""
FLUX_2_DEV = Preface(
    "[SYSTEM_PROMPT]You are an AI that reasons about image descriptions. You give structured responses focusing on "
    "object relationships, object\nattribution and actions without speculation.[/SYSTEM_PROMPT][INST]",
    31,
)
LUMINA_2 = Preface(
    "You are an assistant designed to generate superior images with the superior degree of image-text alignment based "
    "on textual prompts or user prompts. <Prompt Start> ",
    30,
)
"""In front of every prompt that says something, as the model was trained."""
OVIS_IMAGE = Preface(
    f"{CHAT.text}Describe the image by detailing the color, quantity, text, shape, size, texture, spatial "
    "relationships of the objects and background: ",
    30,
)
QWEN_IMAGE = Preface(
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n",
    34,
)
KANDINSKY_5 = Preface(
    "<|im_start|>system\nYou are a prompt engineer. Describe the image by detailing the color, shape, size, texture, "
    "quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n",
    40,
)
KANDINSKY_5_VIDEO = Preface(
    "<|im_start|>system\nYou are a prompt engineer. Describe the video in detail.\n"
    "Describe how the camera moves or shakes, describe the zoom and view angle, whether it follows the objects.\n"
    "Describe the location of the video, main characters or objects and their action.\n"
    "Describe the dynamism of the video and presented actions.\n"
    "Name the visual style of the video: whether it is a professional footage, user generated content, some kind of "
    "animation, video game or scren content.\n"
    "Describe the visual effects, postprocessing and transitions if they are presented in the video.\n"
    "Pay attention to the order of key actions shown in the scene.<|im_end|>\n<|im_start|>user\n",
    128,
)
"""Of the models of videos, with its slip of the pen."""
HUNYUAN_VIDEO = Preface(
    "<|start_header_id|>system<|end_header_id|>\n\nDescribe the video by detailing the following aspects: "
    "1. The main content and theme of the video."
    "2. The color, shape, size, texture, quantity, text, and spatial relationships of the objects."
    "3. Actions, events, behaviors temporal relationships, physical movement changes of the objects."
    "4. background environment, light, style and atmosphere."
    "5. camera angles, movements, and transitions used in the video:<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n",
    94,
)
