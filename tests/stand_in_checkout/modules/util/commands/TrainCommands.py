from types import SimpleNamespace
from typing import Any


class TrainCommands:
    def __init__(self) -> None:
        self.stopped = False
        self._wanted = SimpleNamespace(default=False, custom=[], backup=False, save=False)

    def stop(self) -> None:
        self.stopped = True

    def sample_default(self) -> None:
        self._wanted.default = True

    def sample_custom(self, sample: Any) -> None:
        self._wanted.custom.append(sample)

    def backup(self) -> None:
        self._wanted.backup = True

    def save(self) -> None:
        self._wanted.save = True

    def take(self) -> SimpleNamespace:
        taken, self._wanted = self._wanted, SimpleNamespace(default=False, custom=[], backup=False, save=False)
        return taken
