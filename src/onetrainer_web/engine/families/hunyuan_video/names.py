"""Where the layers of Hunyuan Video stand in the code of its makers."""

from collections.abc import Mapping
from types import MappingProxyType

from onetrainer_web.engine.seams.places import Place, Places, joined_places

_DOUBLE, _THEIR_DOUBLE = "transformer_blocks.#", "double_blocks.#"
_SINGLE, _THEIR_SINGLE = "single_transformer_blocks.#", "single_blocks.#"
_REFINER = "context_embedder.token_refiner.refiner_blocks.#"
_THEIR_REFINER = "txt_in.individual_token_refiner.blocks.#"
_QKV, _ADDED_QKV = ("to_q", "to_k", "to_v"), ("add_q_proj", "add_k_proj", "add_v_proj")
HUNYUAN_VIDEO_PLACES: Places = {
    "x_embedder": "img_in",
    "time_text_embed.timestep_embedder.linear_1": "time_in.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "time_in.mlp.2",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.mlp.0",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.mlp.2",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "norm_out.linear": Place("final_layer.adaLN_modulation.1", has_swapped_halves=True),
    "proj_out": "final_layer.linear",
    "context_embedder.proj_in": "txt_in.input_embedder",
    "context_embedder.time_text_embed.timestep_embedder.linear_1": "txt_in.t_embedder.mlp.0",
    "context_embedder.time_text_embed.timestep_embedder.linear_2": "txt_in.t_embedder.mlp.2",
    "context_embedder.time_text_embed.text_embedder": "txt_in.c_embedder",
    _REFINER: _THEIR_REFINER,
    **joined_places(f"{_REFINER}.attn", _QKV, f"{_THEIR_REFINER}.self_attn_qkv"),
    f"{_REFINER}.attn.to_out.0": f"{_THEIR_REFINER}.self_attn_proj",
    f"{_REFINER}.ff.net.0.proj": f"{_THEIR_REFINER}.mlp.fc1",
    f"{_REFINER}.ff.net.2": f"{_THEIR_REFINER}.mlp.fc2",
    f"{_REFINER}.norm_out.linear": f"{_THEIR_REFINER}.adaLN_modulation.1",
    f"{_DOUBLE}.norm1.linear": f"{_THEIR_DOUBLE}.img_mod.linear",
    f"{_DOUBLE}.norm1_context.linear": f"{_THEIR_DOUBLE}.txt_mod.linear",
    **joined_places(f"{_DOUBLE}.attn", _QKV, f"{_THEIR_DOUBLE}.img_attn_qkv"),
    **joined_places(f"{_DOUBLE}.attn", _ADDED_QKV, f"{_THEIR_DOUBLE}.txt_attn_qkv"),
    f"{_DOUBLE}.attn.norm_q": f"{_THEIR_DOUBLE}.img_attn_q_norm",
    f"{_DOUBLE}.attn.norm_k": f"{_THEIR_DOUBLE}.img_attn_k_norm",
    f"{_DOUBLE}.attn.norm_added_q": f"{_THEIR_DOUBLE}.txt_attn_q_norm",
    f"{_DOUBLE}.attn.norm_added_k": f"{_THEIR_DOUBLE}.txt_attn_k_norm",
    f"{_DOUBLE}.attn.to_out.0": f"{_THEIR_DOUBLE}.img_attn_proj",
    f"{_DOUBLE}.attn.to_add_out": f"{_THEIR_DOUBLE}.txt_attn_proj",
    f"{_DOUBLE}.ff.net.0.proj": f"{_THEIR_DOUBLE}.img_mlp.fc1",
    f"{_DOUBLE}.ff.net.2": f"{_THEIR_DOUBLE}.img_mlp.fc2",
    f"{_DOUBLE}.ff_context.net.0.proj": f"{_THEIR_DOUBLE}.txt_mlp.fc1",
    f"{_DOUBLE}.ff_context.net.2": f"{_THEIR_DOUBLE}.txt_mlp.fc2",
    f"{_SINGLE}.norm.linear": f"{_THEIR_SINGLE}.modulation.linear",
    **joined_places(_SINGLE, ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), f"{_THEIR_SINGLE}.linear1"),
    f"{_SINGLE}.attn.norm_q": f"{_THEIR_SINGLE}.q_norm",
    f"{_SINGLE}.attn.norm_k": f"{_THEIR_SINGLE}.k_norm",
    f"{_SINGLE}.proj_out": f"{_THEIR_SINGLE}.linear2",
}
_LAYERS_OF_EMBEDDERS = {"mlp.0": "in_layer", "mlp.2": "out_layer", "linear_1": "in_layer", "linear_2": "out_layer"}
HUNYUAN_VIDEO_COMFY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        f"{embedder}.{theirs}": f"{embedder}.{comfy}"
        for embedder in ("time_in", "guidance_in", "txt_in.t_embedder", "txt_in.c_embedder")
        for theirs, comfy in _LAYERS_OF_EMBEDDERS.items()
    }
)
"""What ComfyUI calls otherwise, by the name that its makers give it."""
