"""Where the layers of Wan stand in the code of its makers, and in ComfyUI's."""

from onetrainer_web.engine.seams.places import Places

_BLOCK = "blocks.#"


def _attention(ours: str, theirs: str) -> Places:
    layers = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "o", "norm_q": "norm_q", "norm_k": "norm_k"}
    return {f"{_BLOCK}.{ours}.{name}": f"{_BLOCK}.{theirs}.{other}" for name, other in layers.items()}


WAN_PLACES: Places = {
    "patch_embedding": "patch_embedding",
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "scale_shift_table": "head.modulation",
    "proj_out": "head.head",
    f"{_BLOCK}.scale_shift_table": f"{_BLOCK}.modulation",
    f"{_BLOCK}.norm2": f"{_BLOCK}.norm3",
    **_attention("attn1", "self_attn"),
    **_attention("attn2", "cross_attn"),
    f"{_BLOCK}.ffn.net.0.proj": f"{_BLOCK}.ffn.0",
    f"{_BLOCK}.ffn.net.2": f"{_BLOCK}.ffn.2",
}
