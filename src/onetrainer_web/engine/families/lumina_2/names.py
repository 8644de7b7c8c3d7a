"""Where the layers of Lumina Image 2.0 stand in the code of its makers, and in ComfyUI's."""

from onetrainer_web.engine.seams.places import SAME_NAMES, Places, joined_places


def _block(name: str, first_norm: dict[str, str]) -> Places:
    theirs = f"{name}.attention"
    return {
        **joined_places(f"{name}.attn", ("to_q", "to_k", "to_v"), f"{theirs}.qkv"),
        f"{name}.attn.to_out.0": f"{theirs}.out",
        f"{name}.attn.norm_q": f"{theirs}.q_norm",
        f"{name}.attn.norm_k": f"{theirs}.k_norm",
        f"{name}.norm2": f"{name}.attention_norm2",
        **{f"{name}.feed_forward.linear_{number}": f"{name}.feed_forward.w{number}" for number in (1, 2, 3)},
        **{f"{name}.{ours}": f"{name}.{other}" for ours, other in first_norm.items()},
    }


_MODULATED = {"norm1.linear": "adaLN_modulation.1", "norm1.norm": "attention_norm1"}
LUMINA_2_PLACES: Places = {
    **SAME_NAMES,
    "time_caption_embed.caption_embedder": "cap_embedder",
    "time_caption_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_caption_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "norm_out.linear_1": "final_layer.adaLN_modulation.1",
    "norm_out.linear_2": "final_layer.linear",
    **_block("layers.#", _MODULATED),
    **_block("noise_refiner.#", _MODULATED),
    **_block("context_refiner.#", {"norm1": "attention_norm1"}),
}
