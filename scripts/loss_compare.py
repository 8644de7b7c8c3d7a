"""Trains a fixed set of small runs and compares each loss bit for bit; a training takes about 40 seconds of one core.

    python scripts/loss_compare.py              with the losses that are kept in tests/golden
    python scripts/loss_compare.py REVISION     with those of a revision of git, which is trained first
    python scripts/loss_compare.py --write      keeps the losses, in a change that says why they are others now

`--only REGEX` trains the runs whose whole name fits and writes their losses beside the others, as a new family does. A
change that should not alter training leaves all of them equal.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.golden.losses import FILE, NUM_EPOCHS, NUM_STEPS_OF_FAMILY, RUNS, Losses  # noqa: E402

ALL = ".*"


def main() -> int:
    """Train and compare; the exit status is the number of runs that differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?", help="what to compare with")
    parser.add_argument("--write", nargs="?", type=Path, const=FILE, metavar="FILE", help="where to keep the losses")
    parser.add_argument("--only", default=ALL, metavar="REGEX", help="which runs")
    options = parser.parse_args()
    if options.write:
        write(Losses.of_here(train_all(options.only)), options.write, is_part=options.only != ALL)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = train_revision(options.revision, options.only, folder) if options.revision else Losses.read()
        now = train_tree(ROOT, options.only, folder / "now.json")
    if not before.has_kernels_of(now):
        sys.exit(f"The kept losses are of torch {before.torch} on {before.cpu}. Name a revision to compare with here.")
    return compare({name: losses for name, losses in before.runs.items() if fits(name, options.only)}, now.runs)


def write(losses: Losses, file: Path, *, is_part: bool) -> None:
    """Keep losses; those of some runs beside the others."""
    if is_part and file.exists():
        kept = Losses.read(file)
        if not kept.has_kernels_of(losses):
            sys.exit(f"The kept losses are of torch {kept.torch} on {kept.cpu}. Write all of them, or none, here.")
        losses = replace(losses, runs=kept.runs | losses.runs)
    losses.write(file)


def fits(name: str, wanted: str) -> bool:
    """Whether a run is wanted."""
    return re.fullmatch(wanted, name) is not None


def compare(before: dict[str, list[float]], now: dict[str, list[float]]) -> int:
    """Say of each run whether its losses are the same; gives the number of those that are not."""
    num_different = 0
    for name in before | now:
        if name not in before or name not in now:
            said = "only before" if name in before else "only now"
        elif before[name] == now[name]:
            said = "equal"
        else:
            num_different += 1
            said = f"DIFFERENT: {before[name]} before, {now[name]} now"
        print(f"{name}: {said}")
    return num_different


def train_revision(revision: str, wanted: str, folder: Path) -> Losses:
    """The losses of a revision, by the runs that it knows."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", revision], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder / "tree", filter="data")
    return train_tree(folder / "tree", wanted, folder / "before.json")


def train_tree(tree: Path, wanted: str, losses: Path) -> Losses:
    """The losses of a source tree, trained by its own script in a process of its own."""
    command = [sys.executable, str(tree / "scripts" / "loss_compare.py"), "--write", str(losses)]
    command += ["--only", wanted] if wanted != ALL else []  # which older revisions do not know
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "HF_HUB_OFFLINE": "1"}
    ended = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{ended.stderr}\nThe runs of {tree} could not be trained; the reason stands above.")
    return Losses.read(losses)


def train_all(wanted: str) -> dict[str, list[float]]:
    """The losses of the wanted runs of this tree."""
    import torch
    from tests.engine.conftest import Lab, draw_squares
    from tests.engine.outcomes import losses
    from tests.engine.test_families import CASES, make_lab, settings_of
    from tests.engine.tiny_models import make_stable_diffusion

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(folder, make_stable_diffusion(folder / "model"))
        draw_squares(folder / "datasets" / "squares")
        named = {name: settings for name, settings in RUNS.items() if fits(name, wanted)}
        found = {name: losses(lab.train(**settings, epochs=NUM_EPOCHS)) for name, settings in named.items()}
        for model_type, case in CASES.items():
            if not fits(model_type.value, wanted):
                continue
            lab = make_lab(folder / model_type.value, case.make(folder / f"model of {model_type.value}"), model_type)
            short = {"epochs": NUM_STEPS_OF_FAMILY, "sample_after_unit": "NEVER"}
            found[model_type.value] = losses(lab.train(**settings_of(model_type, "LORA") | short))
    return found


if __name__ == "__main__":
    sys.exit(main())
