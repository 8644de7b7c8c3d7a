"""What makes a network faster or smaller without changing what it learns: attention, compiling, waiting activations."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import Parameter

from onetrainer_web.config.enums import AttentionMechanism

_BACKENDS: Mapping[AttentionMechanism, str] = MappingProxyType(
    {
        AttentionMechanism.FLASH: "flash",
        AttentionMechanism.CUDNN: "_native_cudnn",
        AttentionMechanism.FLEX: "flex",
    }
)
"""Names of diffusers; SDP is what every network starts with."""
_MAX_RECOMPILES = 8192
"""Every picture size may need one."""


def set_attention(network: Any, mechanism: AttentionMechanism) -> str | None:
    """Let the attention of a diffusers network compute by another kernel.

    Returns:
        Why it stays as it is, one sentence; None when it does not.
    """
    if mechanism is AttentionMechanism.SDP:
        return None
    stays = f"attention_mechanism is {mechanism.value}, but torch's own (SDP) is used:"
    if not any(hasattr(getattr(part, "processor", None), "_attention_backend") for part in network.modules()):
        return f"{stays} the {type(network).__name__} knows no other."
    if mechanism is AttentionMechanism.CUDNN and next(network.parameters()).device.type != "cuda":
        return f"{stays} cuDNN computes on NVIDIA devices only."  # torch itself says so at the first step
    try:
        network.set_attention_backend(_BACKENDS[mechanism])
    except (ImportError, RuntimeError, ValueError) as error:
        return f"{stays} {error}"
    return None


def compile_blocks(network: Any) -> str | None:
    """Let torch translate the repeated blocks of a diffusers network, each when it first runs.

    Returns:
        Why they stay as they are, one sentence; None when they do not.
    """
    names = getattr(network, "_repeated_blocks", None) or []
    blocks = [part for part in network.modules() if type(part).__name__ in names]
    if not blocks:
        return f"compile is set, but diffusers names no repeated blocks of a {type(network).__name__}."
    torch._dynamo.config.recompile_limit = _MAX_RECOMPILES
    for block in blocks:
        block.compile()
    return None


@contextmanager
def activations_wait_outside() -> Generator[None]:
    """Keep what the backward pass needs in main memory; with checkpointing, that is what goes into each block."""
    is_pinned = torch.cuda.is_available()

    def pack(tensor: Tensor) -> Any:
        if isinstance(tensor, Parameter) or tensor.device.type == "cpu":
            return tensor
        outside = torch.empty(tensor.shape, dtype=tensor.dtype, layout=tensor.layout, pin_memory=is_pinned)
        return tensor.device, outside.copy_(tensor)

    def unpack(kept: Any) -> Tensor:
        return kept if isinstance(kept, Tensor) else kept[1].to(kept[0], non_blocking=is_pinned)

    with saved_tensors_hooks(pack, unpack):
        yield
