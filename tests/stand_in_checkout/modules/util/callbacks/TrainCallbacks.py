from collections.abc import Callable
from contextlib import suppress
from typing import Any


class TrainCallbacks:
    def __init__(
        self,
        on_update_train_progress: Callable[..., None] | None = None,
        on_update_status: Callable[..., None] | None = None,
        on_sample_default: Callable[..., None] | None = None,
        on_update_sample_default_progress: Callable[..., None] | None = None,
        on_sample_custom: Callable[..., None] | None = None,
        on_update_sample_custom_progress: Callable[..., None] | None = None,
    ) -> None:
        self._heard = {
            "on_update_train_progress": on_update_train_progress,
            "on_update_status": on_update_status,
            "on_sample_default": on_sample_default,
            "on_update_sample_default_progress": on_update_sample_default_progress,
            "on_sample_custom": on_sample_custom,
            "on_update_sample_custom_progress": on_update_sample_custom_progress,
        }

    def __getattr__(self, name: str) -> Callable[..., None]:
        listener = self._heard[name]

        def call(*args: Any) -> None:
            with suppress(Exception):  # as OneTrainer's do
                if listener:
                    listener(*args)

        return call
