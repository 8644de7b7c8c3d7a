"""The configurations of a workspace: built-in presets, people's own files, and the one being edited."""

import hashlib
import json
import re
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from onetrainer_web.app.allowed_paths import AllowedPaths, PathRefusedError
from onetrainer_web.app.demo import draw_missing_demo_pictures
from onetrainer_web.app.requests import ConfigSource
from onetrainer_web.config.checks.issue import Issue, error, warning
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.defaults import default_config
from onetrainer_web.config.diff import set_path
from onetrainer_web.config.enums import ModelType, TrainingMethod
from onetrainer_web.config.files import (
    Note,
    ReadResult,
    config_to_dict,
    parse_request,
    read_config_file,
    reject_secrets,
    write_config_file,
)
from onetrainer_web.config.presets import preset_names, preset_subject, read_preset
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig
from onetrainer_web.config.validation import ValidationReport, for_another_trainer, issues_of_notes, report
from onetrainer_web.dataset.file_checks import named
from onetrainer_web.dataset.scan import links_out
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.errors import ConfigNotFoundError, InvalidConfigError, OneTrainerWebError
from onetrainer_web.files.confined import stays
from onetrainer_web.files.json_files import JsonObject, replacing_json
from onetrainer_web.protocol.tasks import Engine
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.system.gpus import list_gpus

MAX_NAME_LENGTH = 100
NO_GPU = "No NVIDIA card was found: unless torch finds another, the processor trains this, perhaps for days."
_NAME = re.compile(r"[^\W_.][\w .+#()-]*")


class StaleRevisionError(OneTrainerWebError):
    """Somebody else changed the current configuration meanwhile."""

    status = 412

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The current configuration was changed elsewhere; its revision is now {revision}. "
            "Load it again and repeat the change."
        )
        self.revision = revision
        self.headers = {"ETag": f'"{revision}"'}


class ConfigNameError(InvalidConfigError):
    """A name that no configuration can have, or that is taken."""


class CurrentConfig(BaseModel):
    """The configuration being edited."""

    config: JsonObject = Field(description="The complete configuration.")
    revision: str = Field(description="Changes with every change; send it as If-Match to change only what you saw.")
    notes: list[Note] = Field(default=[], description="What of its source was not understood, clamped or converted.")


class ListedConfig(BaseModel):
    """A configuration that can be loaded by its name."""

    name: str = Field(description="Its name, without .json.")
    kind: Literal["preset", "own"] = Field(description="preset: built in. own: a file of the workspace.")
    modified: datetime | None = Field(description="Last change, UTC; null for presets.")
    model_type: ModelType | None = Field(default=None, description="What a preset trains; null for own files.")
    training_method: TrainingMethod | None = Field(default=None, description="How; null for own files.")


@dataclass(frozen=True)
class _Version:
    config: TrainConfig
    revision: str
    notes: Sequence[Note] = ()


class ConfigStore:
    """Reads and writes the configurations of one workspace; safe to use from any thread."""

    def __init__(self, workspace: Workspace, allowed: AllowedPaths | None = None) -> None:
        """Prepare the store.

        Args:
            workspace: Where the files lie.
            allowed: Which files outside it may be read; all when left out.
        """
        self._workspace = workspace
        self._allowed = allowed or AllowedPaths(workspace)
        self._lock = threading.Lock()

    # --- by name

    def listed(self) -> list[ListedConfig]:
        """Presets first, then the workspace's own, each by name; an own file hides a preset of its name."""
        files = self._workspace.configs.glob("*.json")
        own = {path.stem: path for path in files if _is_name(path.stem) and path.is_file()}
        presets = [_listed_preset(name) for name in preset_names() if name not in own]
        files = [
            ListedConfig(name=name, kind="own", modified=datetime.fromtimestamp(path.stat().st_mtime, UTC))
            for name, path in sorted(own.items())
        ]
        return presets + files

    def load(self, name: str) -> ReadResult:
        """A listed configuration.

        Raises:
            ConfigNotFoundError: There is none of this name.
            InvalidConfigError: The file cannot be read.
        """
        own = self._own_path(name)
        if own.is_file():
            if not stays(own, self._allowed.holds):
                raise PathRefusedError(own.name)
            return read_config_file(own, self._allowed.holds)
        if own.stem in preset_names():
            return read_preset(own.stem)
        raise ConfigNotFoundError(name)

    def save(self, name: str, config: TrainConfig) -> str:
        """Write a configuration of the workspace.

        Returns:
            Its name, without .json.

        Raises:
            ConfigNameError: A file cannot have this name.
        """
        path = self._own_path(name)
        write_config_file(path, config)
        return path.stem

    def delete(self, name: str) -> None:
        """Delete a configuration of the workspace.

        Raises:
            ConfigNotFoundError: There is none of this name.
            ConfigNameError: It is a preset, which cannot be deleted.
        """
        path = self._own_path(name)
        try:
            path.unlink()
        except FileNotFoundError as error:
            if path.stem in preset_names():
                raise ConfigNameError(f"{path.stem!r} is built in and cannot be deleted.") from error
            raise ConfigNotFoundError(name) from error

    # --- the one being edited

    def current(self) -> CurrentConfig:
        """The configuration being edited; the defaults as long as nobody has edited any."""
        return _shown(self._read_current())

    def current_config(self) -> TrainConfig:
        """The same, as a model."""
        return self._read_current().config

    def replace_current(self, config: TrainConfig, expected: str | None = None) -> CurrentConfig:
        """Make `config` the one being edited.

        Args:
            config: The new one.
            expected: Revision the caller saw; None replaces whatever is there.

        Raises:
            StaleRevisionError: The current revision is another one.
        """
        with self._lock:
            if expected is not None:  # else nothing is read: a damaged file can be replaced
                self._check_revision(expected)
            return self._write_current(config)

    @contextmanager
    def replacing_current(self, config: TrainConfig) -> Generator[None]:
        """A block with which `config` becomes the one being edited, unless it fails."""
        with self._lock, replacing_json(self._workspace.current_config, config_to_dict(config)):
            yield

    def patch_current(self, changes: Mapping[str, Any], expected: str | None = None) -> CurrentConfig:
        """Change single settings of the one being edited: dotted path → value.

        Raises:
            StaleRevisionError: The current revision is another one.
            InvalidConfigError: A path or a value does not fit; nothing is changed then.
        """
        reject_secrets(changes)
        with self._lock:
            if expected is not None:
                self._check_revision(expected)
            config = self._read_current().config
            for path, value in changes.items():
                if path.partition(".")[0] == "secrets":
                    raise InvalidConfigError("Secrets are not part of a configuration. Send them to PUT /api/secrets.")
                config = set_path(config, path, value)
            return self._write_current(config)

    def _check_revision(self, expected: str) -> None:
        revision = self._read_current().revision
        if expected != revision:
            raise StaleRevisionError(revision)

    def _read_current(self) -> _Version:
        path = self._workspace.current_config
        if not path.is_file():
            return _Version(default_config(), _revision(default_config()))
        read = read_config_file(path, self._allowed.holds)
        return _Version(read.config, _revision(read.config), read.notes)

    def _write_current(self, config: TrainConfig) -> CurrentConfig:
        write_config_file(self._workspace.current_config, config)
        return _shown(_Version(config, _revision(config)))

    # --- what a request brings

    def read_source(self, source: ConfigSource) -> tuple[ReadResult, Sequence[str]]:
        """The configuration a request means, and what should be told about the choice.

        Raises:
            InvalidConfigError: It names none, or none that can be used.
            ConfigNotFoundError: There is no such file, and it brings no configuration itself.
        """
        if not source.config_path:
            if source.config_dict is None:
                raise InvalidConfigError("Give config_path (a file or a listed name) or config_dict (a configuration).")
            return self.read_sent(source.config_dict), []
        try:
            return self._read_path(source.config_path), []
        except OneTrainerWebError as error:
            if source.config_dict is None:
                raise
            read = self._read_second_choice(source.config_dict, error)
            return read, [f"from config_dict; config_path cannot be used: {error}"]

    def read_sent(self, config: JsonObject) -> ReadResult:
        """A configuration that a run shall be made from, with the concepts and samples that it names files for.

        Raises:
            InvalidConfigError: It cannot be used.
        """
        return parse_request(config, self._workspace.folder, self._allowed.holds)

    def examine(self, read: ReadResult, engine: Engine, *, deep: bool) -> ValidationReport:
        """Everything that is wrong or doubtful about a configuration.

        Args:
            read: The configuration, and what of it was not understood.
            engine: Who shall train it: what only the native trainer lacks does not keep OneTrainer from it.
            deep: Whether it is looked at as a start does it, which draws the demo's pictures first.
        """
        refused = [
            error(place, "path_refused", str(PathRefusedError(text)))
            for place, text in self._allowed.refused_in(config_to_dict(read.config))
        ]
        if refused:  # what lies there is not looked at either
            return report([*issues_of_notes(read.notes), *refused])
        if deep:
            outside = list(self._links_out(read.config))
            if outside:
                return report([*issues_of_notes(read.notes), *outside])
            draw_missing_demo_pictures(read.config, self._workspace)
        found = validate_with_pictures(read.config, self._workspace.folder, notes=read.notes, deep=deep)
        if deep and _lacks_its_card(read.config):
            found = report([*found.issues, warning("train_device", "no_gpu", NO_GPU)])
        return for_another_trainer(found) if engine is Engine.ONETRAINER else found

    def _links_out(self, config: TrainConfig) -> Iterator[Issue]:
        """Pictures in allowed folders that are links to what may not be read; they would train all the same."""
        for index, concept in enumerate(config.concepts or () if self._allowed.is_limited else ()):
            if concept.enabled and (names := self._outside_of(concept)):
                message = f"Links lead outside the folders this server may read: {named(names)}. Put the files there."
                yield error(f"concepts.{index}.path", "path_refused", message)

    def _outside_of(self, concept: ConceptConfig) -> list[str]:
        try:
            return links_out(concept, self._workspace.resolve(concept.path), self._allowed.holds)
        except (OSError, RuntimeError, ValueError):  # what no folder can be called, which is said elsewhere
            return []

    def check_startable(self, read: ReadResult, engine: Engine = Engine.NATIVE) -> None:
        """Refuse a configuration that cannot train on this machine; the demo's pictures are drawn first.

        Raises:
            InvalidConfigError: Says everything that is wrong with it.
        """
        if errors := self.examine(read, engine, deep=True).errors:
            raise InvalidConfigError(" ".join(errors))

    def check_paths(self, settings: JsonObject | list[JsonObject]) -> None:
        """As `AllowedPaths.check`."""
        self._allowed.check(settings)

    def _read_second_choice(self, given: JsonObject, first_error: OneTrainerWebError) -> ReadResult:
        try:
            return self.read_sent(given)
        except InvalidConfigError as error:
            raise InvalidConfigError(f"Neither can be used. config_path: {first_error} config_dict: {error}") from error

    def _read_path(self, text: str) -> ReadResult:
        name = text.removesuffix(".json")
        if _is_name(name) and any(listed.name == name for listed in self.listed()):
            return self.load(text)
        try:
            return read_config_file(self._allowed.resolve(text), self._allowed.holds)
        except (OSError, RuntimeError) as error:  # no permission, a name too long, a home folder of nobody
            raise ConfigNotFoundError(text) from error

    def _own_path(self, name: str) -> Path:
        stem = name.removesuffix(".json")
        if not _is_name(stem):
            raise ConfigNameError(
                f"{name[:MAX_NAME_LENGTH]!r} is no name for a configuration: use letters, digits, spaces and _ . + - # "
                f"( ), beginning with a letter or digit, {MAX_NAME_LENGTH} characters at most."
            )
        return self._workspace.configs / f"{stem}.json"


def _is_name(text: str) -> bool:
    # Names are given with and without .json, so none may end so itself.
    return len(text) <= MAX_NAME_LENGTH and _NAME.fullmatch(text) is not None and not text.endswith(".json")


def _revision(config: TrainConfig) -> str:
    text = json.dumps(config_to_dict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(version: _Version) -> CurrentConfig:
    return CurrentConfig(config=config_to_dict(version.config), revision=version.revision, notes=list(version.notes))


def _listed_preset(name: str) -> ListedConfig:
    model_type, method = preset_subject(name)
    return ListedConfig(name=name, kind="preset", modified=None, model_type=model_type, training_method=method)


def _lacks_its_card(config: TrainConfig) -> bool:
    """Whether the model is one for a card that is not seen; Apple's computers have one of another kind."""
    wants_card = config.train_device.startswith("cuda") and config.base_model_name != EMBEDDED_MODEL_NAME
    return wants_card and sys.platform != "darwin" and not list_gpus()
