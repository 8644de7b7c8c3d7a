"""Encoding pictures and prompts once, before training.

Sums are rounded otherwise in batches of another size. So all batches of pictures of one size are equally large, filled
up where too little is missing, and what is kept of a picture or prompt depends on nothing that happened to be encoded
beside it: a run that goes on with an empty cache is the same, bit for bit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import PIL

from onetrainer_web.config.recurring import Doing
from onetrainer_web.dataset.augment import PictureView
from onetrainer_web.dataset.scan import Picture, is_video
from onetrainer_web.dataset.sizes import (
    Size,
    UnreadablePictureError,
    load_conditioning,
    load_mask,
    load_picture,
)
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.confined import readable
from onetrainer_web.pipeline.ahead import map_ahead
from onetrainer_web.pipeline.cache import TensorCache, picture_key, prompt_key, seed_of
from onetrainer_web.pipeline.entries import (
    Decoded,
    Encoders,
    decode,
    encode,
    without_filling,
)
from onetrainer_web.pipeline.fingerprints import FileMemory, Fingerprints
from onetrainer_web.pipeline.items import Item
from onetrainer_web.pipeline.watch import Watch
from onetrainer_web.protocol.events import SkippedPicture

BATCH_SIZE = 16
"""Prompts, or small pictures, encoded at once."""
MAX_BATCH_PIXELS = 512 * 512
"""Larger batches gain nothing, cost memory, and would make a stop wait."""
DECODER = f"Pillow {PIL.__version__}"


class PicturesGoneError(OneTrainerWebError):
    """A folder of pictures went away after they were found, with its disk perhaps: what is left is another training."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The folder {folder} is gone while its pictures are needed. Bring it back, then resume.")
        self.folder = folder


Key = str | OSError
"""Where latents belong, or why nobody can know."""
PictureId = tuple[Path, PictureView]
"""What the pixels of an item depend on while files do not change."""


@dataclass(frozen=True, slots=True)
class FillReport:
    """What filling the cache came to."""

    encoded_pictures: int
    reused_pictures: int
    encoded_prompts: int
    reused_prompts: int
    broken: tuple[SkippedPicture, ...]
    """Pictures that could not be decoded, each once; they must leave the plan (`TrainingData.without`)."""
    picture_keys: Mapping[PictureId, str]
    """Where the latents of each picture and view are, so that the files are not needed any more."""


@dataclass(slots=True)
class _PictureWork:
    """What is to be done about pictures, and what went wrong on the way."""

    identity: str
    cache: TensorCache
    fingerprints: Fingerprints
    keys: dict[PictureId, str] = field(default_factory=dict)
    left: dict[tuple[Size, int], list[tuple[Item, Key | None]]] = field(default_factory=lambda: defaultdict(list))
    """What must be encoded, with its key, or without one what must be read to know; by size and number of frames."""
    seen: set[str] = field(default_factory=set)
    num_reused: int = 0
    num_passed: int = 0
    """How many of `left` turned out to need no encoding."""
    broken: dict[Path, str] = field(default_factory=dict)

    def key(self, item: Item) -> Key:
        """Where an item's latents belong; may be asked by several threads."""
        try:
            others = [path and self.fingerprints.sha256(path) for path in (item.mask_path, item.conditioning_path)]
            return picture_key(self.fingerprints.sha256(item.path), item.view, self.identity, *others)
        except OSError as error:
            return error

    def must_encode(self, item: Item, key: Key) -> bool:
        """Whether nothing is there for an item; files it under its key."""
        if isinstance(key, OSError):
            self.broken[item.path] = f"cannot be read ({key.strerror})"
        elif item.path not in self.broken:
            self.keys[item.path, item.view] = key
            if key not in self.seen:
                self.seen.add(key)
                if not self.cache.has(key):
                    return True
                self.num_reused += 1
        return False


def check_pictures(
    pictures: Sequence[Picture], watch: Watch, num_threads: int = 2, memory: Path | None = None
) -> tuple[SkippedPicture, ...]:
    """Decode pictures, with their masks and conditioning pictures, and name those that cannot be.

    For those that `fill_cache` does not decode on the way. Videos pass: they were looked into when they were found, and
    decoding all of them takes long.

    Args:
        pictures: The files.
        watch: Told before each of them; may stop the work.
        num_threads: Helpers that decode ahead.
        memory: Where it is remembered which files were whole, so that they are decoded once and not at every start.

    Raises:
        StopRequested: The watch said so.
        PicturesGoneError: The folder of pictures that cannot be read is gone.
    """
    broken: dict[Path, str] = {}
    whole = FileMemory(memory)
    try:
        failures = map_ahead(partial(_failure, whole), pictures, num_threads, 2 * num_threads)
        for number, (picture, reason) in enumerate(failures):
            watch.check(Doing.CHECKING_PICTURES, number, len(pictures))
            if reason is not None:
                broken[picture.path] = reason
    finally:
        whole.save()
    return _skipped(broken)


def fill_cache(
    items: Sequence[Item], encoders: Encoders, cache: TensorCache, watch: Watch, num_threads: int = 2
) -> FillReport:
    """Encode what the cache lacks of `items`, and their prompts unless `text_identity` is None.

    What is finished stays in the cache, also when the work is stopped.

    Args:
        items: From `Planner.items`.
        encoders: The model family's.
        cache: Where results go.
        watch: Told before each small batch; may stop the work.
        num_threads: Helpers that decode pictures ahead (with Pillow alone, see `TensorCache.warm`).

    Raises:
        StopRequested: The watch said so.
        CacheWriteError: The cache cannot be written.
        PicturesGoneError: The folder of pictures that cannot be read is gone.
    """
    work = _PictureWork(encoders.image_identity, cache, Fingerprints(cache.fingerprints))
    try:
        _sort_pictures(work, items, watch)
        encoded = _encode_pictures(work, encoders, watch, num_threads)
    finally:
        work.fingerprints.save()
    broken_paths = work.broken.keys()
    prompts = [item.prompt for item in items if item.path not in broken_paths]
    encoded_prompts, reused_prompts = fill_prompts(prompts, encoders, cache, watch)
    return FillReport(
        encoded_pictures=encoded,
        reused_pictures=work.num_reused,
        encoded_prompts=encoded_prompts,
        reused_prompts=reused_prompts,
        broken=_skipped(work.broken),
        picture_keys=work.keys,
    )


def fill_prompts(prompts: Iterable[str], encoders: Encoders, cache: TensorCache, watch: Watch) -> tuple[int, int]:
    """Encode the prompts that the cache lacks; nothing when `text_identity` is None.

    Returns:
        How many different prompts were encoded, and how many were there.

    Raises:
        StopRequested: The watch said so.
        CacheWriteError: The cache cannot be written.
    """
    identity = encoders.text_identity
    if identity is None:
        return 0, 0
    keys = {prompt: prompt_key(prompt, identity) for prompt in prompts}
    missing = [prompt for prompt, key in keys.items() if not cache.has(key)]
    for start in range(0, len(missing), BATCH_SIZE):
        watch.check(Doing.ENCODING_PROMPTS, start, len(missing))
        batch = missing[start : start + BATCH_SIZE]
        rows = encoders.encode_prompts(_filled_up(batch, BATCH_SIZE))
        for index, prompt in enumerate(batch):
            cache.write(keys[prompt], without_filling({name: tensor[index] for name, tensor in rows.items()}))
    return len(missing), len(keys) - len(missing)


def _sort_pictures(work: _PictureWork, items: Sequence[Item], watch: Watch) -> None:
    """Find what is there already, without reading a picture."""
    met: set[PictureId] = set()
    for number, item in enumerate(items):
        watch.check(Doing.COMPARING_CACHE, number, len(items))
        if (item.path, item.view) in met:
            continue
        met.add((item.path, item.view))
        files = [path for path in (item.path, item.mask_path, item.conditioning_path) if path]
        key = work.key(item) if all(map(work.fingerprints.knows, files)) else None
        if key is None or work.must_encode(item, key):
            work.left[item.view.target, item.num_frames].append((item, key))


def _encode_pictures(work: _PictureWork, encoders: Encoders, watch: Watch, num_threads: int) -> int:
    """Encode what is left, while threads read and decode what comes next."""
    total = sum(len(items) for items in work.left.values())
    num_tried = num_encoded = 0
    for (size, num_frames), entries in work.left.items():
        batch_size = min(BATCH_SIZE, max(1, MAX_BATCH_PIXELS // (size.width * size.height * num_frames)))
        num_ahead = batch_size + num_threads
        read = map_ahead(lambda entry: entry[1] or work.key(entry[0]), entries, num_threads, num_ahead)
        decoded = map_ahead(_decode, _missing(work, read, watch, total), num_threads, num_ahead)
        while batch := list(islice(decoded, batch_size)):
            watch.check(Doing.ENCODING_PICTURES, num_tried + work.num_passed, total)
            num_tried += len(batch)
            work.broken |= {item.path: outcome for (_, item), outcome in batch if isinstance(outcome, str)}
            pictures = [(key, outcome) for (key, _), outcome in batch if not isinstance(outcome, str)]
            if pictures:
                _encode_batch(pictures, batch_size, encoders, work.cache)
            num_encoded += len(pictures)
    return num_encoded


def _missing(
    work: _PictureWork, read: Iterable[tuple[tuple[Item, Key | None], Key]], watch: Watch, total: int
) -> Iterator[tuple[str, Item]]:
    """What must be encoded of what was read."""
    for (item, known), key in read:
        if (known or work.must_encode(item, key)) and isinstance(key, str):
            yield key, item
        else:
            watch.check(Doing.COMPARING_CACHE, work.num_passed, total)
            work.num_passed += 1


def _encode_batch(
    pictures: Sequence[tuple[str, Decoded]], batch_size: int, encoders: Encoders, cache: TensorCache
) -> None:
    batch = _filled_up(pictures, batch_size)
    entries = encode([decoded for _, decoded in batch], encoders, [seed_of(key) for key, _ in batch])
    for (key, _), entry in zip(pictures, entries, strict=False):
        cache.write(key, entry)


Row = TypeVar("Row")


def _filled_up(rows: Sequence[Row], size: int) -> list[Row]:
    """As many rows as a batch has: the first one again where there are fewer."""
    return [*rows, *[rows[0]] * (size - len(rows))]


def _decode(entry: tuple[str, Item]) -> Decoded | str:
    """The pixels, or why there is none."""
    try:
        return decode(entry[1])
    except UnreadablePictureError as error:
        return error.reason


def _failure(whole: FileMemory, picture: Picture) -> str | None:
    try:
        if not is_video(picture.path):
            _decode_once(whole, picture.path, lambda: load_picture(picture.path))
        if mask := picture.mask_path:
            _decode_once(whole, mask, lambda: load_mask(picture.path, mask))
        if conditioning := picture.conditioning_path:
            _decode_once(whole, conditioning, lambda: load_conditioning(picture.path, conditioning))
    except UnreadablePictureError as error:
        return error.reason
    return None


def _decode_once(whole: FileMemory, path: Path, load: Callable[[], object]) -> None:
    """Decode a file, unless the same decoder has done it before."""
    with suppress(OSError):  # loading says so, in words
        if whole.recall(path) == DECODER:
            return
    load()
    whole.remember(path, DECODER)


def _skipped(broken: dict[Path, str]) -> tuple[SkippedPicture, ...]:
    """What cannot be read, unless its folder is gone."""
    for folder in {path.parent for path in broken}:
        if not folder.is_dir():
            raise PicturesGoneError(folder)
    return tuple(SkippedPicture(path=readable(path), reason=reason) for path, reason in broken.items())
