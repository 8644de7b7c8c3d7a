"""Where the layers of Anima stand in the code of its makers, which is that of Cosmos Predict 2."""

from onetrainer_web.engine.seams.places import Places

_ATTENTION = {
    "to_q": "q_proj",
    "to_k": "k_proj",
    "to_v": "v_proj",
    "to_out.0": "output_proj",
    "norm_q": "q_norm",
    "norm_k": "k_norm",
}
_PARTS_OF_A_BLOCK = (
    ("norm1", "adaln_modulation_self_attn"),
    ("norm2", "adaln_modulation_cross_attn"),
    ("norm3", "adaln_modulation_mlp"),
)
_BLOCK, _THEIR_BLOCK = "transformer_blocks.#", "blocks.#"
ANIMA_PLACES: Places = {
    "patch_embed.proj": "x_embedder.proj.1",
    "time_embed.t_embedder": "t_embedder.1",
    "time_embed.norm": "t_embedding_norm",
    "norm_out.linear_1": "final_layer.adaln_modulation.1",
    "norm_out.linear_2": "final_layer.adaln_modulation.2",
    "proj_out": "final_layer.linear",
    f"{_BLOCK}.ff.net.0.proj": f"{_THEIR_BLOCK}.mlp.layer1",
    f"{_BLOCK}.ff.net.2": f"{_THEIR_BLOCK}.mlp.layer2",
    **{
        f"{_BLOCK}.{ours}.linear_{number}": f"{_THEIR_BLOCK}.{theirs}.{number}"
        for ours, theirs in _PARTS_OF_A_BLOCK
        for number in (1, 2)
    },
    **{
        f"{_BLOCK}.{ours}.{layer}": f"{_THEIR_BLOCK}.{theirs}.{_ATTENTION[layer]}"
        for ours, theirs in (("attn1", "self_attn"), ("attn2", "cross_attn"))
        for layer in _ATTENTION
    },
}
