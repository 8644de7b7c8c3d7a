"""Where the layers of FLUX.1's transformer stand in the code of its makers."""

from onetrainer_web.engine.weights.places import Place, Places

_ENDS = {"linear_1": "in_layer", "linear_2": "out_layer"}
_INPUTS = {"timestep_embedder": "time_in", "guidance_embedder": "guidance_in", "text_embedder": "vector_in"}
_DOUBLE, _THEIR_DOUBLE = "transformer_blocks.#", "double_blocks.#"
_SINGLE, _THEIR_SINGLE = "single_transformer_blocks.#", "single_blocks.#"
FLUX_PLACES: Places = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    **{
        f"time_text_embed.{ours}.{end}": f"{theirs}.{their_end}"
        for ours, theirs in _INPUTS.items()
        for end, their_end in _ENDS.items()
    },
    "norm_out.linear": Place("final_layer.adaLN_modulation.1", has_swapped_halves=True),
    "proj_out": "final_layer.linear",
    f"{_DOUBLE}.norm1.linear": f"{_THEIR_DOUBLE}.img_mod.lin",
    f"{_DOUBLE}.norm1_context.linear": f"{_THEIR_DOUBLE}.txt_mod.lin",
    f"{_DOUBLE}.attn.to_out.0": f"{_THEIR_DOUBLE}.img_attn.proj",
    f"{_DOUBLE}.attn.to_add_out": f"{_THEIR_DOUBLE}.txt_attn.proj",
    f"{_DOUBLE}.attn.norm_q.weight": f"{_THEIR_DOUBLE}.img_attn.norm.query_norm.scale",
    f"{_DOUBLE}.attn.norm_k.weight": f"{_THEIR_DOUBLE}.img_attn.norm.key_norm.scale",
    f"{_DOUBLE}.attn.norm_added_q.weight": f"{_THEIR_DOUBLE}.txt_attn.norm.query_norm.scale",
    f"{_DOUBLE}.attn.norm_added_k.weight": f"{_THEIR_DOUBLE}.txt_attn.norm.key_norm.scale",
    f"{_DOUBLE}.ff.net.0.proj": f"{_THEIR_DOUBLE}.img_mlp.0",
    f"{_DOUBLE}.ff.net.2": f"{_THEIR_DOUBLE}.img_mlp.2",
    f"{_DOUBLE}.ff_context.net.0.proj": f"{_THEIR_DOUBLE}.txt_mlp.0",
    f"{_DOUBLE}.ff_context.net.2": f"{_THEIR_DOUBLE}.txt_mlp.2",
    **{
        f"{_DOUBLE}.attn.{ours}": Place(f"{_THEIR_DOUBLE}.{theirs}.qkv", index)
        for theirs, names in {
            "img_attn": ("to_q", "to_k", "to_v"),
            "txt_attn": ("add_q_proj", "add_k_proj", "add_v_proj"),
        }.items()
        for index, ours in enumerate(names)
    },
    f"{_SINGLE}.norm.linear": f"{_THEIR_SINGLE}.modulation.lin",
    f"{_SINGLE}.attn.norm_q.weight": f"{_THEIR_SINGLE}.norm.query_norm.scale",
    f"{_SINGLE}.attn.norm_k.weight": f"{_THEIR_SINGLE}.norm.key_norm.scale",
    f"{_SINGLE}.proj_out": f"{_THEIR_SINGLE}.linear2",
    **{
        f"{_SINGLE}.{ours}": Place(f"{_THEIR_SINGLE}.linear1", index)
        for index, ours in enumerate(("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"))
    },
}
