"""Where the layers of Stable Diffusion 3's transformer stand in the code of its makers."""

from onetrainer_web.engine.seams.places import Place, Places, joined_places

_BLOCK, _OF_PICTURE, _OF_WORDS = "transformer_blocks.#", "joint_blocks.#.x_block", "joint_blocks.#.context_block"
STABLE_DIFFUSION_3_PLACES: Places = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "context_embedder": "context_embedder",
    "norm_out.linear": Place("final_layer.adaLN_modulation.1", has_swapped_halves=True),
    "proj_out": "final_layer.linear",
    **joined_places(f"{_BLOCK}.attn", ("to_q", "to_k", "to_v"), f"{_OF_PICTURE}.attn.qkv"),
    **joined_places(f"{_BLOCK}.attn", ("add_q_proj", "add_k_proj", "add_v_proj"), f"{_OF_WORDS}.attn.qkv"),
    **joined_places(f"{_BLOCK}.attn2", ("to_q", "to_k", "to_v"), f"{_OF_PICTURE}.attn2.qkv"),
    f"{_BLOCK}.attn.norm_q": f"{_OF_PICTURE}.attn.ln_q",
    f"{_BLOCK}.attn.norm_k": f"{_OF_PICTURE}.attn.ln_k",
    f"{_BLOCK}.attn.norm_added_q": f"{_OF_WORDS}.attn.ln_q",
    f"{_BLOCK}.attn.norm_added_k": f"{_OF_WORDS}.attn.ln_k",
    f"{_BLOCK}.attn2.norm_q": f"{_OF_PICTURE}.attn2.ln_q",
    f"{_BLOCK}.attn2.norm_k": f"{_OF_PICTURE}.attn2.ln_k",
    f"{_BLOCK}.attn.to_out.0": f"{_OF_PICTURE}.attn.proj",
    f"{_BLOCK}.attn.to_add_out": f"{_OF_WORDS}.attn.proj",
    f"{_BLOCK}.attn2.to_out.0": f"{_OF_PICTURE}.attn2.proj",
    f"{_BLOCK}.norm1.linear": f"{_OF_PICTURE}.adaLN_modulation.1",
    f"{_BLOCK}.norm1_context.linear": f"{_OF_WORDS}.adaLN_modulation.1",
    f"{_BLOCK}.ff.net.0.proj": f"{_OF_PICTURE}.mlp.fc1",
    f"{_BLOCK}.ff.net.2": f"{_OF_PICTURE}.mlp.fc2",
    f"{_BLOCK}.ff_context.net.0.proj": f"{_OF_WORDS}.mlp.fc1",
    f"{_BLOCK}.ff_context.net.2": f"{_OF_WORDS}.mlp.fc2",
}


def stable_diffusion_3_places(num_layers: int) -> Places:
    """Of a transformer with so many blocks; in the last one, which only looks at the words, two halves are swapped."""
    last = f".{num_layers - 1}."
    swapped = Place(f"{_OF_WORDS}.adaLN_modulation.1".replace(".#.", last), has_swapped_halves=True)
    return {**STABLE_DIFFUSION_3_PLACES, f"{_BLOCK}.norm1_context.linear".replace(".#.", last): swapped}
