"""Where the layers of Z-Image stand in ComfyUI's files, which join what its makers keep apart."""

from onetrainer_web.engine.seams.places import SAME_NAMES, Places, joined_places


def _block(name: str) -> Places:
    theirs = f"{name}.attention"
    return {
        **joined_places(theirs, ("to_q", "to_k", "to_v"), f"{theirs}.qkv"),
        f"{theirs}.to_out.0": f"{theirs}.out",
        f"{theirs}.norm_q": f"{theirs}.q_norm",
        f"{theirs}.norm_k": f"{theirs}.k_norm",
    }


Z_IMAGE_COMFY_PLACES: Places = {
    **SAME_NAMES,
    "all_x_embedder.2-1": "x_embedder",
    "all_final_layer.2-1": "final_layer",
    **_block("layers.#"),
    **_block("noise_refiner.#"),
    **_block("context_refiner.#"),
}
