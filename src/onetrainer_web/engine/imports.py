"""The import of torch and of what stands on it, without what a run does not use: the longest part of every start.

Left to themselves, the libraries load torch's compiler, its parts for several machines and bitsandbytes, and read the
text of all files of transformers twice: together a third of the time and a tenth of the memory. `test_imports.py` holds
that they stay out. Should a coming version of a library ask for more than is foreseen here, it gets it.
"""

import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

from onetrainer_web.config.enums import AttentionMechanism
from onetrainer_web.config.training import TrainConfig


@contextmanager
def quick_imports(config: TrainConfig) -> Generator[None]:
    """Import what stands inside as a run with this configuration needs it."""
    # Modules come to stay: to look for garbage among them again and again, and later in each round, finds none.
    gc.disable()
    try:
        _list_models_once()
        with nullcontext() if _compiles(config) else _without_compiler(), _without_bitsandbytes():
            yield
    finally:
        gc.freeze()
        gc.enable()


def _compiles(config: TrainConfig) -> bool:
    is_flex = config.attention_mechanism is AttentionMechanism.FLEX  # torch compiles its kernel for each network
    return config.compile or config.optimizer.compile or is_flex


_NEEDS_COMPILER = ("torch._dynamo.", "torch._inductor")
_STANDS_ALONE = ("torch._dynamo.config", "torch._dynamo._trace_wrapped_higher_order_op")
"""Gradient checkpointing and transformers' attention masks ask for these."""


class _Compiler(ModuleType):
    """Stands for `torch._dynamo` while it is asked only for marks, which mean nothing where nothing is compiled.

    Decorators in transformers and diffusers and every step of torch's optimizers ask for no more. Whatever else is
    asked of it, the real one is loaded to answer.
    """

    @staticmethod
    def allow_in_graph(function: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a function as it is."""
        return function

    assume_constant_result = allow_in_graph

    @staticmethod
    def disable(function: Callable[..., Any] | None = None, *_: Any, **_others: Any) -> Callable[..., Any]:
        """Leave a function as it is; `@disable()` is its other use."""
        return function or _Compiler.allow_in_graph

    @staticmethod
    def graph_break() -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "config":  # gradient checkpointing reads a setting
            return importlib.import_module(f"{self.__name__}.config")
        return getattr(self.give_way(), name)

    def give_way(self) -> ModuleType:
        """The real one, from now on in its place."""
        import torch

        if sys.modules[self.__name__] is self:
            del sys.modules[self.__name__], torch._dynamo
        return importlib.import_module(self.__name__)


class _Usher:
    """Asked where a module is, it knows of none, but has the real compiler there before what stands on it."""

    def __init__(self, compiler: _Compiler) -> None:
        self._compiler = compiler

    def find_spec(self, name: str, *_: Any) -> None:
        """See `importlib.abc.MetaPathFinder`."""
        if name.startswith(_NEEDS_COMPILER) and name not in _STANDS_ALONE:
            self._compiler.give_way()


@contextmanager
def _without_compiler() -> Generator[None]:
    """Let libraries see a torch without its compiler, and built for one process, as it is for some systems."""
    import torch.distributed

    _postpone_compiler()
    is_available = torch.distributed.is_available
    torch.distributed.is_available = lambda: False
    try:
        yield
    finally:
        torch.distributed.is_available = is_available


def _postpone_compiler() -> None:
    import torch

    spec = importlib.util.find_spec("torch._dynamo")
    if spec is None or spec.name in sys.modules:
        return
    compiler = _Compiler(spec.name)
    compiler.__spec__, compiler.__path__ = spec, spec.submodule_search_locations or []
    sys.modules[spec.name] = torch._dynamo = compiler
    sys.meta_path.insert(0, _Usher(compiler))
    # Libraries that compile functions of their own, such as bitsandbytes, leave them as they are.
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


@contextmanager
def _without_bitsandbytes() -> Generator[None]:
    """Let peft take bitsandbytes for absent: it only adds layers that this trainer does not make."""
    name = "bitsandbytes"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # pyright: ignore[reportArgumentType] - Python's own way to say that it is not there
    try:
        peft = importlib.import_module("peft.import_utils")
        getattr(peft, "is_bnb_4bit_available", bool)()  # remembers it
        yield
    finally:
        del sys.modules[name]


def _list_models_once() -> None:
    """Spare transformers a second list of its models: for its folder of models, the one that it has already will do."""
    import transformers

    spec = importlib.util.find_spec("transformers.models")
    if spec and spec.name not in sys.modules:
        models = importlib.util.module_from_spec(spec)
        models.__getattr__ = lambda name: getattr(transformers, name)
        sys.modules[spec.name] = transformers.models = models
