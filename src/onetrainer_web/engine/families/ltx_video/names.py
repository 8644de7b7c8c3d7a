"""Where the layers of LTX-Video stand in the code of its makers, and in ComfyUI's."""

from onetrainer_web.engine.seams.places import SAME_NAMES, Places

LTX_VIDEO_PLACES: Places = {
    **SAME_NAMES,
    "proj_in": "patchify_proj",
    "time_embed": "adaln_single",
    **{
        f"transformer_blocks.#.{attention}.norm_{name}": f"transformer_blocks.#.{attention}.{name}_norm"
        for attention in ("attn1", "attn2")
        for name in ("q", "k")
    },
}
