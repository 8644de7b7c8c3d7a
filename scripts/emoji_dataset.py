"""Make a captioned dataset of pictures nobody here drew: emoji from the npm package `emoji-datasource-google`.

    python scripts/emoji_dataset.py workspace/datasets/emoji --kind fruit --kind face

Needs `npm`. Downloads the package (74 MB) into a temporary folder and keeps only the chosen 64x64 pictures, each with
its Unicode name as the caption. The pictures are Google's Noto emoji; nothing of them is part of this project.
"""

import argparse
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "emoji-datasource-google@16.0.0"
KINDS = {
    "fruit": ("food-fruit",),
    "face": ("face-smiling", "face-affection", "face-tongue", "face-neutral-skeptical", "face-concerned"),
    "heart": ("heart",),
    "ball": ("sport",),
}


def write_dataset(folder: Path, kinds: list[str]) -> int:
    """Write the pictures of `kinds` and their captions into `folder`; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=temporary, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            return sum(_write_kind(archive, folder, kind) for kind in kinds)


def _write_kind(archive: tarfile.TarFile, folder: Path, kind: str) -> int:
    listing = archive.extractfile("package/emoji.json")
    assert listing is not None
    chosen = [e for e in json.load(listing) if e["subcategory"] in KINDS[kind] and e["has_img_google"]]
    for emoji in chosen:
        picture = archive.extractfile(f"package/img/google/64/{emoji['image']}")
        assert picture is not None
        stem = folder / f"{kind}-{emoji['short_name']}"
        stem.with_suffix(".png").write_bytes(picture.read())
        stem.with_suffix(".txt").write_text(f"an emoji of a {emoji['name'].lower()}\n")
    return len(chosen)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", action="append", choices=sorted(KINDS), help="repeat for more; default: fruit")
    arguments = parser.parse_args()
    count = write_dataset(arguments.folder, arguments.kind or ["fruit"])
    print(f"{count} pictures with captions in {arguments.folder}")


if __name__ == "__main__":
    main()
