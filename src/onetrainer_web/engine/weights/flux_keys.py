"""Where the layers of FLUX.1, Chroma, FLUX.2 and Ovis-Image stand in the code of their makers."""

from onetrainer_web.engine.seams.places import Place, Places, joined_places

_DOUBLE, _THEIR_DOUBLE = "transformer_blocks.#", "double_blocks.#"
_SINGLE, _THEIR_SINGLE = "single_transformer_blocks.#", "single_blocks.#"
_SHARED: Places = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "norm_out.linear": Place("final_layer.adaLN_modulation.1", has_swapped_halves=True),
    "proj_out": "final_layer.linear",
    **joined_places(f"{_DOUBLE}.attn", ("to_q", "to_k", "to_v"), f"{_THEIR_DOUBLE}.img_attn.qkv"),
    **joined_places(f"{_DOUBLE}.attn", ("add_q_proj", "add_k_proj", "add_v_proj"), f"{_THEIR_DOUBLE}.txt_attn.qkv"),
    f"{_DOUBLE}.attn.to_out.0": f"{_THEIR_DOUBLE}.img_attn.proj",
    f"{_DOUBLE}.attn.to_add_out": f"{_THEIR_DOUBLE}.txt_attn.proj",
    f"{_DOUBLE}.attn.norm_q.weight": f"{_THEIR_DOUBLE}.img_attn.norm.query_norm.scale",
    f"{_DOUBLE}.attn.norm_k.weight": f"{_THEIR_DOUBLE}.img_attn.norm.key_norm.scale",
    f"{_DOUBLE}.attn.norm_added_q.weight": f"{_THEIR_DOUBLE}.txt_attn.norm.query_norm.scale",
    f"{_DOUBLE}.attn.norm_added_k.weight": f"{_THEIR_DOUBLE}.txt_attn.norm.key_norm.scale",
    f"{_SINGLE}.attn.norm_q.weight": f"{_THEIR_SINGLE}.norm.query_norm.scale",
    f"{_SINGLE}.attn.norm_k.weight": f"{_THEIR_SINGLE}.norm.key_norm.scale",
}


def _embedders(ours: str, **names: str) -> Places:
    """Networks of two layers each."""
    ends = {"linear_1": "in_layer", "linear_2": "out_layer"}
    return {f"{ours}.{name}.{end}": f"{names[name]}.{ends[end]}" for name in names for end in ends}


_BLOCKS_OF_FLUX_1: Places = {
    f"{_DOUBLE}.ff.net.0.proj": f"{_THEIR_DOUBLE}.img_mlp.0",
    f"{_DOUBLE}.ff.net.2": f"{_THEIR_DOUBLE}.img_mlp.2",
    f"{_DOUBLE}.ff_context.net.0.proj": f"{_THEIR_DOUBLE}.txt_mlp.0",
    f"{_DOUBLE}.ff_context.net.2": f"{_THEIR_DOUBLE}.txt_mlp.2",
    f"{_SINGLE}.proj_out": f"{_THEIR_SINGLE}.linear2",
    **joined_places(_SINGLE, ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), f"{_THEIR_SINGLE}.linear1"),
}
FLUX_PLACES: Places = {
    **_SHARED,
    **_BLOCKS_OF_FLUX_1,
    **_embedders(
        "time_text_embed", timestep_embedder="time_in", guidance_embedder="guidance_in", text_embedder="vector_in"
    ),
    f"{_DOUBLE}.norm1.linear": f"{_THEIR_DOUBLE}.img_mod.lin",
    f"{_DOUBLE}.norm1_context.linear": f"{_THEIR_DOUBLE}.txt_mod.lin",
    f"{_SINGLE}.norm.linear": f"{_THEIR_SINGLE}.modulation.lin",
}
_OWN_NORMS: Places = {
    ours: str(place).replace(".scale", ".weight") for ours, place in _SHARED.items() if ".norm_" in ours
}
OVIS_IMAGE_PLACES: Places = {
    **FLUX_PLACES,
    **_OWN_NORMS,
    "timestep_embedder.linear_1": "time_in.in_layer",
    "timestep_embedder.linear_2": "time_in.out_layer",
    "context_embedder_norm": "semantic_txt_norm",
    "context_embedder": "semantic_txt_in",
    **{
        f"{_DOUBLE}.{ours}.{layer}": place
        for ours, theirs in (("ff", f"{_THEIR_DOUBLE}.img_mlp"), ("ff_context", f"{_THEIR_DOUBLE}.txt_mlp"))
        for layer, place in (
            ("net.0.proj", Place(f"{theirs}.up_proj", others=(f"{theirs}.gate_proj",))),
            ("net.2", f"{theirs}.down_proj"),
        )
    },
}
OVIS_IMAGE_COMFY_PLACES: Places = {
    **OVIS_IMAGE_PLACES,
    "context_embedder_norm": "txt_norm",
    "context_embedder": "txt_in",
}
CHROMA_PLACES: Places = {
    **_SHARED,
    **_BLOCKS_OF_FLUX_1,
    "distilled_guidance_layer": "distilled_guidance_layer",
    **_embedders("distilled_guidance_layer.layers", **{"#": "distilled_guidance_layer.layers.#"}),
    "distilled_guidance_layer.norms.#.weight": "distilled_guidance_layer.norms.#.scale",
}
FLUX_2_PLACES: Places = {
    **_SHARED,
    **_embedders("time_guidance_embed", timestep_embedder="time_in", guidance_embedder="guidance_in"),
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    f"{_DOUBLE}.ff.linear_in": f"{_THEIR_DOUBLE}.img_mlp.0",
    f"{_DOUBLE}.ff.linear_out": f"{_THEIR_DOUBLE}.img_mlp.2",
    f"{_DOUBLE}.ff_context.linear_in": f"{_THEIR_DOUBLE}.txt_mlp.0",
    f"{_DOUBLE}.ff_context.linear_out": f"{_THEIR_DOUBLE}.txt_mlp.2",
    f"{_SINGLE}.attn.to_qkv_mlp_proj": f"{_THEIR_SINGLE}.linear1",
    f"{_SINGLE}.attn.to_out": f"{_THEIR_SINGLE}.linear2",
}
