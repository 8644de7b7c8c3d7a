"""Names of weights in Stable Diffusion's original code, and what diffusers calls them; both ways through one table.

The table is made for a model's own configuration, so models of any depth are covered.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
_VAE_MIDDLE = {"resnets.0": "block_1", "attentions.0": "attn_1", "resnets.1": "block_2"}

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."


def unet_modules(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of module prefixes of a UNet: in diffusers, in the original code."""
    layers = config["layers_per_block"]
    depth = len(config["block_out_channels"])
    for index, kind in enumerate(config["down_block_types"]):
        for layer in range(layers):
            place = f"input_blocks.{(layers + 1) * index + layer + 1}"
            yield f"down_blocks.{index}.resnets.{layer}", f"{place}.0"
            if "CrossAttn" in kind:
                yield f"down_blocks.{index}.attentions.{layer}", f"{place}.1"
        yield f"down_blocks.{index}.downsamplers.0.conv", f"input_blocks.{(layers + 1) * (index + 1)}.0.op"
    for place, name in enumerate(("resnets.0", "attentions.0", "resnets.1")):
        yield f"mid_block.{name}", f"middle_block.{place}"
    for index, kind in enumerate(config["up_block_types"]):
        has_attention = "CrossAttn" in kind
        for layer in range(layers + 1):
            place = f"output_blocks.{(layers + 1) * index + layer}"
            yield f"up_blocks.{index}.resnets.{layer}", f"{place}.0"
            if has_attention:
                yield f"up_blocks.{index}.attentions.{layer}", f"{place}.1"
        if index < depth - 1:
            place = f"output_blocks.{(layers + 1) * (index + 1) - 1}"
            yield f"up_blocks.{index}.upsamplers.0.conv", f"{place}.{2 if has_attention else 1}.conv"


def original_unet_module(name: str, config: Mapping[str, Any]) -> str | None:
    """The original name of a UNet's module or weight, without `model.diffusion_model.`; None if there is none."""
    for ours, theirs in _UNET_ENDS.items():
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name[len(ours) :]
    for ours, theirs in unet_modules(config):
        if not name.startswith(f"{ours}.") and name != ours:
            continue
        rest = name[len(ours) + 1 :]
        if ".resnets." in ours:
            rest = _renamed(rest, _RESNET)
        return f"{theirs}.{rest}" if rest else theirs
    return None


def original_vae_weight(name: str, config: Mapping[str, Any]) -> str:
    """The original name of an autoencoder's weight, without `first_stage_model.`."""
    half, _, rest = name.partition(".")
    if half not in ("encoder", "decoder"):
        return name
    rest = _renamed(rest, {"conv_norm_out": "norm_out"})
    parts = rest.split(".")
    if parts[0] == "mid_block":
        place = _VAE_MIDDLE[f"{parts[1]}.{parts[2]}"]
        inner = ".".join(parts[3:])
        inner = _renamed(inner, _VAE_ATTENTION if place == "attn_1" else {"conv_shortcut": "nin_shortcut"})
        return f"{half}.mid.{place}.{inner}"
    if parts[0] == "down_blocks":
        return f"{half}.down.{parts[1]}.{_vae_block(parts[2:])}"
    if parts[0] == "up_blocks":
        index = len(config["block_out_channels"]) - 1 - int(parts[1])
        return f"{half}.up.{index}.{_vae_block(parts[2:])}"
    return f"{half}.{rest}"


def _vae_block(parts: list[str]) -> str:
    inner = ".".join(parts[2:])
    if parts[0] == "resnets":
        return f"block.{parts[1]}.{_renamed(inner, {'conv_shortcut': 'nin_shortcut'})}"
    return f"{'downsample' if parts[0] == 'downsamplers' else 'upsample'}.{inner}"


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for ours, theirs in table.items():
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name[len(ours) :]
    return name
