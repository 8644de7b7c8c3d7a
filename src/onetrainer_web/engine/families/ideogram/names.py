"""Where the layers of Ideogram 4 stand in the code of its makers."""

from onetrainer_web.engine.seams.places import Places, joined_places

_ATTENTION = "layers.#.attention"
IDEOGRAM_PLACES: Places = {
    "": "",
    **joined_places(_ATTENTION, ("to_q", "to_k", "to_v"), f"{_ATTENTION}.qkv"),
    f"{_ATTENTION}.to_out.0": f"{_ATTENTION}.o",
}
