"""A device that only pretends: tensors on it have shapes, types and places, but no numbers, so that any model fits.

What a training would hold on a card is found in seconds and without one: its own code runs on fake tensors of torch,
under autocast as CUDA does it, and every storage is counted from its first tensor to its last.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from weakref import finalize

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.library import Library, fallthrough_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

CARD = "card"
"""Name of the device that stands for any card."""
_AUTOCAST: Any = torch._C.DispatchKeySet(torch._C._parse_dispatch_key("AutocastPrivateUse1"))  # pyright: ignore
_BLOCK_BYTES = 512
"""CUDA's allocator gives memory in pieces of so many bytes."""
_LOWER = (
    "_convolution conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution prelu "
    "addmm addmv addr matmul einsum mm mv linalg_vecdot linear addbmm baddbmm bmm chain_matmul linalg_multi_dot "
    "_thnn_fused_lstm_cell _thnn_fused_gru_cell lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell cudnn_convolution "
    "cudnn_convolution_transpose _scaled_dot_product_flash_attention scaled_dot_product_attention"
)
_PROMOTED = "addcdiv addcmul atan2 bilinear cross dot vdot grid_sampler index_put tensordot scatter_add"
_WITH_TYPE = "softmax log_softmax cumprod cumsum prod sum"
"""Which kind of operation is computed in which type: torch's list of what its autocast does on CUDA, in its words."""
_LARGEST_FLASH_HEAD = 256


class _Module:
    """What torch asks a device of its own for."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        del seed

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


@cache
def pretended_card() -> torch.device:
    """The device; from the first call on this process knows it, and for good: it is for processes that do nothing else.

    Tensors are put there within `pretending` only.
    """
    _setup_privateuseone_for_python_backend(CARD, _Module())
    library = Library("aten", "IMPL")
    casts = _Casts()
    for name in torch._C._dispatch_get_registrations_for_dispatch_key("AutocastCUDA"):
        packet, _, overload = name.removeprefix("aten::").partition(".")
        operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
        library.impl(operation, partial(_autocast, casts.inputs_of(packet), operation), "AutocastPrivateUse1")
    library.impl("scaled_dot_product_attention", _attention, "AutogradPrivateUse1")
    fallback = Library("_", "IMPL")
    fallback.fallback(fallthrough_kernel, "AutocastPrivateUse1")
    _KEPT.extend((library, fallback))
    forget = torch.clear_autocast_cache

    def clear() -> None:
        casts.kept.clear()
        forget()

    torch.clear_autocast_cache = clear
    return torch.device(CARD, 0)


_KEPT: list[Library] = []


def _autocast(inputs: Callable[..., Any], operation: Any, *args: Any, **kwargs: Any) -> Any:
    with torch._C._ExcludeDispatchKeyGuard(_AUTOCAST):
        args, kwargs = inputs(args, kwargs)
        return operation(*args, **kwargs)


@dataclass(frozen=True)
class _Casts:
    """Inputs of operations in the types that autocast wants."""

    kept: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict[int, tuple[Tensor, Tensor]])
    """Weights that learn, and what they were cast to, until the outermost autocast ends."""

    def inputs_of(self, packet: str) -> Callable[..., Any]:
        """How an operation is given its inputs."""
        if packet in _LOWER.split():
            return lambda args, kwargs: tree_map_only(Tensor, self._lower, (args, kwargs))
        if packet in _WITH_TYPE.split():
            return self._with_type
        if packet in _PROMOTED.split():
            return self._promoted
        return lambda args, kwargs: tree_map_only(Tensor, partial(_cast, dtype=torch.float32), (args, kwargs))

    def _lower(self, tensor: Tensor) -> Tensor:
        dtype = torch.get_autocast_dtype(CARD)
        learns = tensor.dtype is torch.float32 and tensor.requires_grad and tensor.is_leaf and not tensor._is_view()
        if not learns or not torch.is_autocast_cache_enabled():
            return _cast(tensor, dtype)
        if id(tensor) not in self.kept:
            self.kept[id(tensor)] = tensor, _cast(tensor, dtype)
        return self.kept[id(tensor)][1]

    @staticmethod
    def _with_type(args: Any, kwargs: Any) -> Any:
        is_short = isinstance(args[0], Tensor) and args[0].dtype in (torch.bfloat16, torch.float16)
        return args, {**kwargs, "dtype": kwargs.get("dtype") or torch.float32} if is_short else kwargs

    @staticmethod
    def _promoted(args: Any, kwargs: Any) -> Any:
        types = {item.dtype for item in tree_iter((args, kwargs)) if isinstance(item, Tensor)}
        widest = torch.float32 if torch.float32 in types else torch.get_autocast_dtype(CARD)
        return tree_map_only(Tensor, partial(_cast, dtype=widest), (args, kwargs))


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    is_cast = tensor.device.type == CARD and tensor.is_floating_point() and tensor.dtype is not torch.float64
    return tensor.to(dtype) if is_cast else tensor


def _attention(  # noqa: PLR0913 - these are torch's
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """As torch's own kernels for CUDA do it: nothing of the size of queries times keys is ever in memory."""
    if query.dim() == 3:
        mask = attn_mask if attn_mask is None or attn_mask.dim() < 3 else attn_mask.unsqueeze(1)
        inputs = (query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1), mask, dropout_p, is_causal)
        return _attention(*inputs, scale=scale, enable_gqa=enable_gqa).squeeze(1)
    if enable_gqa and key.shape[1] != query.shape[1]:
        key, value = (tensor.repeat_interleave(query.shape[1] // key.shape[1], 1) for tensor in (key, value))
    is_flash = attn_mask is None and query.dtype is not torch.float32 and query.shape[-1] <= _LARGEST_FLASH_HEAD
    if is_flash and query.shape[-1] == value.shape[-1]:
        flash = torch.ops.aten._scaled_dot_product_flash_attention
        return flash(query, key, value, dropout_p, is_causal, False, scale=scale)[0]
    bias = None
    if attn_mask is not None:
        bias = torch.zeros_like(attn_mask, dtype=query.dtype) if attn_mask.dtype is torch.bool else attn_mask
        bias = bias.to(query.dtype).expand(*query.shape[:-1], key.shape[-2])
    efficient = torch.ops.aten._scaled_dot_product_efficient_attention
    is_learning = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (query, key, value))
    return efficient(query, key, value, bias, is_learning, dropout_p, is_causal, scale=scale)[0]


@dataclass
class Peak:
    """The most that was held on a device, and what it was."""

    size: int = 0
    """Bytes."""
    parts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes by label."""


class LiveMemory(TorchDispatchMode):
    """Counts what is held on each kind of device, by the label under which it came to be."""

    def __init__(self, fake: FakeTensorMode) -> None:
        super().__init__()
        self._fake = fake
        self.label = ""
        """Of what comes from now on."""
        self.peaks: defaultdict[str, Peak] = defaultdict(Peak)
        """By type of device, since the last `restart`."""
        self.num_waits = 0
        """How often the processor asked for a number on the card, for which it would have waited."""
        self.num_copies = 0
        """How often numbers went from the processor to a card or back."""
        self._held: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._known: dict[int, tuple[str, str, int]] = {}
        """Device, label and bytes of each storage."""

    @contextmanager
    def labelled(self, label: str) -> Generator[None]:
        """Name what comes within."""
        before, self.label = self.label, label
        try:
            yield
        finally:
            self.label = before

    def restart(self) -> None:
        """Look for peaks from what is held now."""
        self.peaks.clear()
        for device in list(self._held):
            self._look(device)

    def relabel(self, tensor: Tensor, label: str) -> None:
        """Call what a tensor holds something else."""
        key = tensor.untyped_storage()._cdata
        if key in self._known:
            device, before, size = self._known[key]
            self._known[key] = device, label, size
            self._held[device][before] -= size
            self._held[device][label] += size

    def held(self, device: str) -> Mapping[str, int]:
        """Bytes by label that are held now."""
        return {label: size for label, size in self._held[device].items() if size}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on shapes, and count what comes of it."""
        del types
        if func is torch.ops.prim.device.default:
            return args[0].fake_device
        kwargs = kwargs or {}
        if "generator" in kwargs:  # whose device has no random numbers
            kwargs = {**kwargs, "generator": None}
        device = kwargs.get("device")
        if device is not None and torch.device(device).type == CARD:  # where no number can be kept
            args = tree_map_only(Tensor, self._without_numbers, args)
        try:
            result = func(*args, **kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException):
            result = _guess(func, args)
        self._count_travels(func, args, result)
        for tensor in tree_iter(result):
            if isinstance(tensor, Tensor):
                self._add(tensor)
        return result

    def _without_numbers(self, tensor: Tensor) -> Tensor:
        fake = tensor if isinstance(tensor, FakeTensor) else self._fake.from_tensor(tensor)
        fake.constant = None
        return fake

    def _count_travels(self, func: Any, args: Any, result: Any) -> None:
        source = args[0] if args and isinstance(args[0], Tensor) else None
        if source is None:
            return
        if isinstance(result, Tensor):
            self.num_copies += func is torch.ops.aten._to_copy.default and result.device != source.device
        elif not isinstance(result, list | tuple):
            self.num_waits += source.device.type == CARD and func is torch.ops.aten._local_scalar_dense.default

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        device = tensor.device.type
        size = -(-storage.nbytes() // _BLOCK_BYTES) * _BLOCK_BYTES
        self._known[key] = device, self.label, size
        self._held[device][self.label] += size
        finalize(storage, self._drop, key)
        self._look(device)

    def _drop(self, key: int) -> None:
        device, label, size = self._known.pop(key)
        self._held[device][label] -= size

    def _look(self, device: str) -> None:
        size = sum(self._held[device].values())
        if size > self.peaks[device].size:
            self.peaks[device] = Peak(size, self.held(device))


def _guess(func: Any, args: Any) -> Any:
    """What stands for a number, or a shape, that only the numbers would tell: of shapes the largest."""
    tensor = args[0]
    if func is torch.ops.aten._local_scalar_dense.default:
        return False if tensor.dtype is torch.bool else 1.0 if tensor.dtype.is_floating_point else 1
    if func is torch.ops.aten.nonzero.default:
        return torch.empty(tensor.numel(), tensor.dim(), dtype=torch.int64, device=tensor.device)
    if func is torch.ops.aten.equal.default:
        return True
    if func is torch.ops.aten.masked_select.default:
        return torch.empty(tensor.numel(), dtype=tensor.dtype, device=tensor.device)
    if func is torch.ops.aten.index.Tensor:
        rows = args[1][0]
        return torch.empty(rows.numel(), *tensor.shape[rows.dim() :], dtype=tensor.dtype, device=tensor.device)
    raise NotImplementedError(f"{func} depends on numbers that are not there")


def _take_over(tensor: Tensor, other: Tensor) -> None:
    """Let a weight become what it is on another device, as modules do it when they are moved.

    torch's own refuses where somebody holds a weak reference, as fake tensors do; none of those is used again.
    """
    own = vars(tensor).copy()
    vars(tensor).clear()
    vars(tensor).update(vars(other))
    vars(other).clear()
    vars(other).update(own)
    torch._C._swap_tensor_impl(tensor, other)


class _Generator(torch.Generator):
    """One for any device: a pretended one has no chance of its own."""

    def __new__(cls, device: Any = None) -> "_Generator":
        del device
        return super().__new__(cls, "cpu")  # pyright: ignore[reportCallIssue]


@contextmanager
def pretending() -> Iterator[LiveMemory]:
    """Let no tensor have numbers within, and count what is held."""
    import numpy as np

    usual = torch.utils.swap_tensors, torch.Generator
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with ExitStack() as stack:
        torch.utils.swap_tensors, torch.Generator = _take_over, _Generator
        FakeTensor.numpy = lambda self, **_: np.zeros(tuple(self.shape), np.uint8)
        stack.enter_context(fake)
        memory = stack.enter_context(LiveMemory(fake))
        try:
            yield memory
        finally:
            torch.utils.swap_tensors, torch.Generator = usual
            with suppress(AttributeError):
                del FakeTensor.numpy
