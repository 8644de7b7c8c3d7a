"""Which of the models whose layers have the same names a file is for: by widths in which they differ."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from onetrainer_web.config.enums import ModelType

Width = tuple[int | None, int | None]
"""Inputs and outputs of a layer; None where a file does not tell."""

_T = ModelType
_SD1 = (_T.STABLE_DIFFUSION_15, _T.STABLE_DIFFUSION_15_INPAINTING)
_SD2 = tuple(name for name in ModelType if name.value.startswith("STABLE_DIFFUSION_2"))
_SDXL = (_T.STABLE_DIFFUSION_XL_10_BASE, _T.STABLE_DIFFUSION_XL_10_BASE_INPAINTING)
_INPAINTING = (_SD1[1], _T.STABLE_DIFFUSION_20_INPAINTING, _SDXL[1])
_DEPTH = (_T.STABLE_DIFFUSION_20_DEPTH,)
_PLAIN = tuple(name for name in (*_SD1, *_SD2, *_SDXL) if name not in (*_INPAINTING, *_DEPTH))
_FLUX = (_T.FLUX_DEV_1, _T.FLUX_KONTEXT_DEV_1)
_INPUTS, _OUTPUTS = 0, 1
_WIDTHS: Sequence[tuple[re.Pattern[str], int, Mapping[int, Sequence[ModelType]]]] = (
    (re.compile(r"attn2[._]to_k$"), _INPUTS, {768: _SD1, 1024: _SD2, 2048: _SDXL}),
    (re.compile(r"(conv_in|input_blocks[._]0[._]0)$"), _INPUTS, {4: _PLAIN, 5: _DEPTH, 9: _INPAINTING}),
    (
        re.compile(r"(x_embedder|img_in)$"),
        _INPUTS,
        {64: (_T.FLUX_DEV_1, _T.FLUX_KONTEXT_DEV_1), 384: (_T.FLUX_FILL_DEV_1,)},
    ),
    (
        re.compile(r"(transformer_blocks[._]0[._]attn[._]to_q|joint_blocks[._]0[._]x_block[._]attn[._]qkv)$"),
        _INPUTS,
        {2432: (_T.STABLE_DIFFUSION_35,)},
    ),
)
"""Layers by the ends of their names, which width of theirs, and what has them; of published models."""


def narrowed(model_types: Iterable[ModelType], layers: Mapping[str, Callable[[], Width]]) -> list[ModelType]:
    """The model types that fit the widths of some layers; all where none of them tells.

    Args:
        model_types: Those that fit the names.
        layers: How to find the widths of each layer, by its name.
    """
    left = list(model_types)
    for pattern, axis, known in _WIDTHS:
        found = {widths()[axis] for name, widths in layers.items() if pattern.search(name)}
        fitting = [name for width, names in known.items() if width in found for name in names]
        left = [name for name in left if name in fitting] or left
    return left
