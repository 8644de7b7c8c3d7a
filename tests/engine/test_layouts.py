"""The layouts of original code: published sizes, and the way of every weight there and back."""

from typing import Any

import pytest
import torch
from accelerate import init_empty_weights

from onetrainer_web.engine.families.stable_diffusion_3.single_file import STABLE_DIFFUSION_3
from onetrainer_web.engine.seams.places import Place, find_place, from_places, to_places
from onetrainer_web.engine.weights.original_file import OriginalLayout, empty_network
from onetrainer_web.engine.weights.stable_diffusion_file import (
    STABLE_DIFFUSION_1,
    STABLE_DIFFUSION_XL,
    stable_diffusion_2,
)

# Numbers of weights of the published models, as their model cards and config files say.
PUBLISHED = [
    (STABLE_DIFFUSION_1, {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480}),
    (stable_diffusion_2("epsilon", {}), {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840}),
    (
        STABLE_DIFFUSION_XL,
        {"unet": 2_567_463_684, "vae": 83_653_863, "text_encoder": 123_060_480, "text_encoder_2": 694_659_840},
    ),
]


@pytest.mark.parametrize(("layout", "numbers"), PUBLISHED)
def test_published_models_have_their_sizes_and_every_weight_has_a_place(
    layout: OriginalLayout, numbers: dict[str, int]
) -> None:
    found: dict[str, int] = {}
    names: set[str] = set()
    for part in layout.parts:
        with init_empty_weights(include_buffers=False):
            network, settings = empty_network(part, part.published)
        weights = network.state_dict()
        found[part.component] = sum(weight.numel() for weight in weights.values())
        placed = to_places(weights, part.naming(settings))
        assert sum(tensor.numel() for tensor in placed.values()) == found[part.component]
        names |= {f"{part.prefix}{name}" for name in placed}
    assert found == numbers
    assert "model.diffusion_model.input_blocks.1.0.in_layers.0.weight" in names
    assert "first_stage_model.decoder.mid.attn_1.q.weight" in names


# As the config files of the published models say.
STABLE_DIFFUSION_3_SIZES = {
    "3 medium": (24, 192, [], None),
    "3.5 medium": (24, 384, list(range(13)), "rms_norm"),
    "3.5 large": (38, 192, [], "rms_norm"),
}


@pytest.mark.parametrize("name", STABLE_DIFFUSION_3_SIZES)
def test_the_sizes_of_stable_diffusion_3_are_told_apart_by_a_file(name: str) -> None:
    depth, side, dual, norm = STABLE_DIFFUSION_3_SIZES[name]
    transformer = STABLE_DIFFUSION_3.parts[0]
    expected: dict[str, Any] = {
        "num_layers": depth,
        "num_attention_heads": depth,
        "caption_projection_dim": 64 * depth,
        "pos_embed_max_size": side,
        "dual_attention_layers": dual,
        "qk_norm": norm,
    }
    with init_empty_weights(include_buffers=True):
        network, settings = empty_network(transformer, {**transformer.published, **expected})
    placed = to_places(network.state_dict(), transformer.naming(settings))
    assert transformer.measure(placed) == expected


def test_joined_turned_and_swapped_weights_come_back() -> None:
    table = {
        "blocks.#.q": Place("layers.#.qkv", 0),
        "blocks.#.k": Place("layers.#.qkv", 1),
        "blocks.#.v": Place("layers.#.qkv", 2),
        "turned": Place("turn", is_transposed=True),
        "swapped": Place("swap", has_swapped_halves=True),
        "flat": Place("conv", is_convolution=True),
    }

    def naming(name: str) -> Place:
        place = find_place(name, table)
        assert place
        return place

    shapes = {"blocks.3.v": (2, 5), "blocks.3.q": (3, 5), "blocks.3.k": (4, 5), "turned": (2, 3), "swapped": (4, 2)}
    weights = {name: torch.randn(shape) for name, shape in {**shapes, "flat": (3, 2)}.items()}
    placed = to_places(weights, naming)
    assert {name: tuple(tensor.shape) for name, tensor in placed.items()} == {
        "layers.3.qkv": (9, 5),
        "turn": (3, 2),
        "swap": (4, 2),
        "conv": (3, 2, 1, 1),
    }
    assert torch.equal(placed["layers.3.qkv"][3:7], weights["blocks.3.k"])
    back = from_places({name: weight.shape for name, weight in weights.items()}, placed, naming)
    assert all(torch.equal(back[name], weights[name]) for name in weights)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(KeyError, match="lost"):
        from_places({"lost": torch.Size([1])}, {}, Place)
    with pytest.raises(ValueError, match="other"):
        from_places({"other": torch.Size([1])}, {"other": torch.zeros(2)}, Place)
