"""Where the weights of CLIP text encoders stand in OpenCLIP's code."""

from onetrainer_web.engine.seams.places import Place, find_place

_LAYER = "encoder.layers.#"
_THEIRS = "transformer.resblocks.#"
_TABLE: dict[str, str | Place] = {
    "embeddings.token_embedding": "token_embedding",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm": "ln_final",
    "text_projection.weight": Place("text_projection", is_transposed=True),
    f"{_LAYER}.layer_norm1": f"{_THEIRS}.ln_1",
    f"{_LAYER}.layer_norm2": f"{_THEIRS}.ln_2",
    f"{_LAYER}.mlp.fc1": f"{_THEIRS}.mlp.c_fc",
    f"{_LAYER}.mlp.fc2": f"{_THEIRS}.mlp.c_proj",
    f"{_LAYER}.self_attn.out_proj": f"{_THEIRS}.attn.out_proj",
    **{
        f"{_LAYER}.self_attn.{ours}_proj.{kind}": Place(f"{_THEIRS}.attn.in_proj_{kind}", index)
        for index, ours in enumerate("qkv")
        for kind in ("weight", "bias")
    },
}


def open_clip_place(name: str) -> Place:
    """Of a weight of `CLIPTextModel` or `CLIPTextModelWithProjection`."""
    place = find_place(name.removeprefix("text_model."), _TABLE)
    assert place is not None, f"OpenCLIP has no name for {name}"
    return place
