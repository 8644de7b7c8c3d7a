"""Where the weights of Stable Cascade's prior stand in files of its makers, who call it stage C."""

import re

from onetrainer_web.engine.weights.places import Place

_JOINED = re.compile(r"(.+\.attention)\.to_([qkv])\.(weight|bias)")


def stage_c_place(name: str) -> Place:
    """Of a weight of `StableCascadeUNet`; only those of attention have other names there."""
    if joined := _JOINED.fullmatch(name):
        block, which, kind = joined.groups()
        return Place(f"{block}.attn.in_proj_{kind}", "qkv".index(which))
    return Place(name.replace(".attention.to_out.0.", ".attention.attn.out_proj."))
