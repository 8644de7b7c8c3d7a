"""Where the layers of Krea 2 stand in the code of its makers."""

from onetrainer_web.engine.seams.places import Place, Places

_BLOCKS = {
    "transformer_blocks.#": "blocks.#",
    "text_fusion.layerwise_blocks.#": "txtfusion.layerwise_blocks.#",
    "text_fusion.refiner_blocks.#": "txtfusion.refiner_blocks.#",
}
_OF_A_BLOCK = {
    "attn.to_q": "attn.wq",
    "attn.to_k": "attn.wk",
    "attn.to_v": "attn.wv",
    "attn.to_out.0": "attn.wo",
    "attn.to_gate": "attn.gate",
    "attn.norm_q.weight": "attn.qknorm.qnorm.scale",
    "attn.norm_k.weight": "attn.qknorm.knorm.scale",
    "ff": "mlp",
    "norm1.weight": "prenorm.scale",
    "norm2.weight": "postnorm.scale",
}
KREA_2_PLACES: Places = {
    "img_in": "first",
    "time_embed.linear_1": "tmlp.0",
    "time_embed.linear_2": "tmlp.2",
    "time_mod_proj": "tproj.1",
    "txt_in.norm.weight": "txtmlp.0.scale",
    "txt_in.linear_1": "txtmlp.1",
    "txt_in.linear_2": "txtmlp.3",
    "text_fusion.projector": "txtfusion.projector",
    "final_layer.linear": "last.linear",
    "final_layer.norm.weight": "last.norm.scale",
    "final_layer.scale_shift_table": "last.modulation.lin",
    "transformer_blocks.#.scale_shift_table": Place("blocks.#.mod.lin", is_flat=True),
    **{f"{ours}.{name}": f"{theirs}.{_OF_A_BLOCK[name]}" for ours, theirs in _BLOCKS.items() for name in _OF_A_BLOCK},
}
