"""Where the weights of Stable Cascade's prior stand in files of its makers, who call it stage C."""

import re

from onetrainer_web.engine.seams.places import Place

_PROJECTION = re.compile(r"\.attention\.to_([qkv])$")
_JOINED = re.compile(r"(.+\.attention)\.to_([qkv])\.(weight|bias)")


def stage_c_place(name: str) -> Place:
    """Of a weight of `StableCascadeUNet`; only those of attention have other names there."""
    if joined := _JOINED.fullmatch(name):
        block, which, kind = joined.groups()
        return Place(f"{block}.attn.in_proj_{kind}", "qkv".index(which))
    return Place(name.replace(".attention.to_out.0.", ".attention.attn.out_proj."))


def stage_c_layer(name: str, *, is_numbered: bool) -> str:
    """Of a layer, in adapter files.

    Its makers hold queries, keys and values in one weight; ComfyUI and kohya's scripts take it apart into layers with
    names, OneTrainer's files of the original code into ones with numbers.
    """
    if found := _PROJECTION.search(name):
        which = found[1]
        own = f"in_proj.{'qkv'.index(which)}" if is_numbered else f"to_{which}"
        return f"{name[: found.start()]}.attention.attn.{own}"
    return name.replace(".attention.to_out.0", ".attention.attn.out_proj")
