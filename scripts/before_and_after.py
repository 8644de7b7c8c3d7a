"""Makes one picture of what runs learned: above, the samples before each training; below, those after it.

    .venv/bin/python scripts/before_and_after.py OUTPUT.png RUN_FOLDER...

Every run gives two rows; a column is a prompt.
"""

import argparse
from pathlib import Path

from PIL import Image

from onetrainer_web.protocol.events import SampleDrawn, read_events
from onetrainer_web.protocol.run_folder import RunFolder

TILE_PX = 128
GAP_PX = 8


def main() -> None:
    """A pair of rows for each run."""
    parser = argparse.ArgumentParser(description="Show samples before and after training.")
    parser.add_argument("output", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    pairs = [first_and_last_round(run) for run in arguments.runs]
    columns = max(len(row) for pair in pairs for row in pair)
    pair_height_px = 2 * TILE_PX + GAP_PX
    sheet = Image.new("RGB", (columns * TILE_PX, len(pairs) * pair_height_px - GAP_PX), "white")
    for number, pair in enumerate(pairs):
        for row, paths in enumerate(pair):
            for column, path in enumerate(paths):
                with Image.open(path) as sample:
                    tile = sample.convert("RGB").resize((TILE_PX, TILE_PX), Image.Resampling.NEAREST)
                sheet.paste(tile, (column * TILE_PX, number * pair_height_px + row * TILE_PX))
    sheet.save(arguments.output, optimize=True)


def first_and_last_round(run: Path) -> tuple[list[Path], list[Path]]:
    """The sample files of the first and of the last step that has samples, in the order of the configuration."""
    drawn = [event for event in read_events(RunFolder(run).events) if isinstance(event, SampleDrawn)]
    steps = [event.progress.global_step for event in drawn]
    if not drawn:
        raise SystemExit(f"{run} has no samples.")
    first, last = ([run / e.path for e in drawn if e.progress.global_step == step] for step in (min(steps), max(steps)))
    return first, last


if __name__ == "__main__":
    main()
