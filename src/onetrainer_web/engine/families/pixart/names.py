"""Where the layers of PixArt stand in the code of its makers."""

from onetrainer_web.engine.seams.places import Places, joined_places

_BLOCK, _THEIR_BLOCK = "transformer_blocks.#", "blocks.#"
_EMBEDDERS = {
    "timestep_embedder": "t_embedder",
    "resolution_embedder": "csize_embedder",
    "aspect_ratio_embedder": "ar_embedder",
}
PIXART_PLACES: Places = {
    "pos_embed.proj": "x_embedder.proj",
    "adaln_single.linear": "t_block.1",
    **{f"adaln_single.emb.{ours}.linear_1": f"{theirs}.mlp.0" for ours, theirs in _EMBEDDERS.items()},
    **{f"adaln_single.emb.{ours}.linear_2": f"{theirs}.mlp.2" for ours, theirs in _EMBEDDERS.items()},
    "caption_projection.linear_1": "y_embedder.y_proj.fc1",
    "caption_projection.linear_2": "y_embedder.y_proj.fc2",
    "proj_out": "final_layer.linear",
    "scale_shift_table": "final_layer.scale_shift_table",
    f"{_BLOCK}.scale_shift_table": f"{_THEIR_BLOCK}.scale_shift_table",
    **joined_places(f"{_BLOCK}.attn1", ("to_q", "to_k", "to_v"), f"{_THEIR_BLOCK}.attn.qkv"),
    f"{_BLOCK}.attn1.to_out.0": f"{_THEIR_BLOCK}.attn.proj",
    f"{_BLOCK}.attn2.to_q": f"{_THEIR_BLOCK}.cross_attn.q_linear",
    **joined_places(f"{_BLOCK}.attn2", ("to_k", "to_v"), f"{_THEIR_BLOCK}.cross_attn.kv_linear"),
    f"{_BLOCK}.attn2.to_out.0": f"{_THEIR_BLOCK}.cross_attn.proj",
    f"{_BLOCK}.ff.net.0.proj": f"{_THEIR_BLOCK}.mlp.fc1",
    f"{_BLOCK}.ff.net.2": f"{_THEIR_BLOCK}.mlp.fc2",
}
