"""The demo's training pictures: drawn into the workspace when somebody starts what needs them."""

import os
import secrets
from pathlib import Path

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.files.atomic import unfinished
from onetrainer_web.files.confined import read_file, remove
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.tiny.pictures import DEMO_CONCEPTS, write_demo_pictures

_PNG_END = b"IEND\xae\x42\x60\x82"


def draw_missing_demo_pictures(config: TrainConfig, workspace: Workspace) -> None:
    """Draw the pictures of each demo that a concept of `config` asks for and that are not there.

    They appear all at once. What a full disk left of older drawings is completed; what people changed stays.
    """
    wanted = {workspace.resolve(concept.path) for concept in config.concepts or () if "\0" not in concept.path}
    for name in DEMO_CONCEPTS:
        folder = workspace.datasets / name
        if folder in wanted and (not os.path.lexists(folder) or _may_be_torn(folder)):
            _draw(folder, name)


def _draw(folder: Path, name: str) -> None:
    drawn = unfinished(folder, secrets.token_hex(4))
    try:
        write_demo_pictures(drawn, name)
        try:
            os.rename(drawn, folder)
        except OSError:
            if not folder.is_dir():
                raise
            _complete(folder, drawn)  # an older drawing, or that of another start at the same time
    finally:
        remove(drawn)


def _may_be_torn(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    pictures = list(folder.glob("*.png"))
    has_all = all(_read(path).endswith(_PNG_END) and path.with_suffix(".txt").is_file() for path in pictures)
    return not pictures or not has_all or any(not _read(path) for path in folder.glob("*.txt"))


def _complete(folder: Path, drawn: Path) -> None:
    """Move the drawn files into a folder that holds the beginning of one of them; deleted ones else stay deleted."""
    in_order = sorted(drawn.iterdir())  # as they are written: each picture, then its caption
    if not _is_broken_off(folder, in_order) and not any(_is_torn(folder / path.name, path) for path in in_order[::2]):
        return
    for path in in_order:
        own = folder / path.name
        if not os.path.lexists(own) or _is_torn(own, path):
            path.replace(own)


def _is_broken_off(folder: Path, in_order: list[Path]) -> bool:
    """Whether there is the beginning of a drawing, and the last caption of it is empty or missing."""
    there = [path for path in in_order if os.path.lexists(folder / path.name)]
    if not there or there != in_order[: len(there)]:
        return False
    return there[-1].suffix == ".png" or (len(there) < len(in_order) and _is_torn(folder / there[-1].name, there[-1]))


def _is_torn(path: Path, whole: Path) -> bool:
    """Whether it was cut off while it was written: captions that people shortened were not."""
    if not path.is_file() or path.is_symlink():
        return False
    content, expected = _read(path), _read(whole)
    return not content or (path.suffix == ".png" and content != expected and expected.startswith(content))


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError:  # a link or a pipe: somebody else's, to be judged by the checks
        return _PNG_END
