"""Where the layers of AuraFlow stand in the code of its makers, and in ComfyUI's."""

from onetrainer_web.engine.seams.places import Place, Places

_JOINT, _THEIR_JOINT = "joint_transformer_blocks.#", "double_layers.#"
_SINGLE, _THEIR_SINGLE = "single_transformer_blocks.#", "single_layers.#"


def _feed_forward(ours: str, theirs: str) -> Places:
    layers = {"linear_1": "c_fc1", "linear_2": "c_fc2", "out_projection": "c_proj"}
    return {f"{ours}.{name}": f"{theirs}.{other}" for name, other in layers.items()}


def _attention(block: str, theirs: str, names: tuple[str, str, str, str], number: int) -> Places:
    return {f"{block}.attn.{name}": f"{theirs}.attn.w{number}{kind}" for name, kind in zip(names, "qkvo", strict=True)}


_OWN, _ADDED = ("to_q", "to_k", "to_v", "to_out.0"), ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
AURA_FLOW_PLACES: Places = {
    "register_tokens": "register_tokens",
    "pos_embed.pos_embed": "positional_encoding",
    "pos_embed.proj": "init_x_linear",
    "context_embedder": "cond_seq_linear",
    "time_step_proj.linear_1": "t_embedder.mlp.0",
    "time_step_proj.linear_2": "t_embedder.mlp.2",
    "norm_out.linear": Place("modF.1", has_swapped_halves=True),
    "proj_out": "final_linear",
    f"{_JOINT}.norm1.linear": f"{_THEIR_JOINT}.modX.1",
    f"{_JOINT}.norm1_context.linear": f"{_THEIR_JOINT}.modC.1",
    **_attention(_JOINT, _THEIR_JOINT, _OWN, 2),
    **_attention(_JOINT, _THEIR_JOINT, _ADDED, 1),
    **_feed_forward(f"{_JOINT}.ff", f"{_THEIR_JOINT}.mlpX"),
    **_feed_forward(f"{_JOINT}.ff_context", f"{_THEIR_JOINT}.mlpC"),
    f"{_SINGLE}.norm1.linear": f"{_THEIR_SINGLE}.modCX.1",
    **_attention(_SINGLE, _THEIR_SINGLE, _OWN, 1),
    **_feed_forward(f"{_SINGLE}.ff", f"{_THEIR_SINGLE}.mlp"),
}
