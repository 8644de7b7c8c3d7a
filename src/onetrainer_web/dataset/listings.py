"""What the folders of data sets hold, kept between requests: of a large one it takes a second to find out."""

import os
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from onetrainer_web.dataset.scan import FolderFiles, is_video
from onetrainer_web.files.confined import stays

MAX_KEPT_PICTURES = 300_000
"""In all folders that are remembered, together; the one that was asked for last is always among them."""
_SETTLED_NS = 50_000_000
"""File systems tell times this coarsely: a folder that changed just now may change again without a newer time."""

Changed = tuple[int, int]
"""Which folder it is, and when it last changed; the second time of a file cannot be set back."""


@dataclass
class Listing:
    """The pictures and videos of a folder, by name alone."""

    changed: Changed
    """Of the folder."""
    files: FolderFiles
    names: list[str]
    """Of pictures and videos, sorted."""
    num_videos: int
    num_captioned: int
    shared: dict[str, list[str]]
    """Caption files of several pictures, with these."""


class Listings:
    """The listings of folders, each good until its folder changes; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: dict[Path, Listing] = {}
        self._lock = threading.Lock()

    def of(self, folder: Path) -> Listing:
        """What a folder holds."""
        with self._lock:
            changed = _changed(folder)
            kept = self._kept.pop(folder, None)
            listing = kept if kept and kept.changed == changed else _look(folder, changed)
            if listing is kept or time.time_ns() - changed[1] > _SETTLED_NS:
                self._keep(folder, listing)
            return listing

    def delete(self, folder: Path, name: str) -> None:
        """Delete a picture or video with what belongs to it alone, and go on with the listing without them."""
        listing = self.of(folder)
        with self._lock:
            is_kept = self._kept.get(folder) is listing
            files = listing.files
            picture, caption = files.picture(name), files.caption(name)
            kept = {path for other in files.siblings(name) for path in files.picture(other).beside}
            for path in (picture.path, *(picture.beside - kept)):
                path.unlink(missing_ok=True)
                files.discard(path.name)
            if is_kept:
                self._keep(folder, _without(listing, name, caption, _changed(folder)))

    def _keep(self, folder: Path, listing: Listing) -> None:
        self._kept.pop(folder, None)
        self._kept[folder] = listing
        while len(self._kept) > 1 and sum(len(one.names) for one in self._kept.values()) > MAX_KEPT_PICTURES:
            del self._kept[next(iter(self._kept))]


LISTINGS = Listings()
"""Those of this process."""


def _look(folder: Path, changed: Changed) -> Listing:
    inside = folder.resolve()
    with os.scandir(folder) as entries:
        # Links may lead from one file to another, never out of the folder; a pipe is no file.
        names = [
            entry.name
            for entry in entries
            if entry.is_file(follow_symlinks=False)
            or (entry.is_symlink() and stays(Path(entry), lambda path: path.parent == inside))
        ]
    files = FolderFiles(folder, folder, names)
    return _listing(changed, files, files.trained())


def _listing(changed: Changed, files: FolderFiles, names: list[str]) -> Listing:
    by_caption: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        if caption := files.caption(name):
            by_caption[caption].append(name)
    return Listing(
        changed=changed,
        files=files,
        names=names,
        num_videos=sum(is_video(name) for name in names),
        num_captioned=sum(map(len, by_caption.values())),
        shared={caption: sharing for caption, sharing in by_caption.items() if len(sharing) > 1},
    )


def _without(listing: Listing, name: str, caption: str | None, changed: Changed) -> Listing:
    place = bisect_left(listing.names, name)
    shared = dict(listing.shared)
    if caption in shared:
        shared[caption] = [one for one in shared[caption] if one != name]
    return replace(
        listing,
        changed=changed,
        names=[*listing.names[:place], *listing.names[place + 1 :]],
        num_videos=listing.num_videos - is_video(name),
        num_captioned=listing.num_captioned - (caption is not None),
        shared=shared,
    )


def _changed(folder: Path) -> Changed:
    facts = folder.stat()
    return facts.st_ino, max(facts.st_mtime_ns, facts.st_ctime_ns)
