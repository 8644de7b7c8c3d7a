"""Trains random combinations of settings on the embedded model: `python scripts/try_combinations.py --runs 20`.

Each combination of few pictures, batch, accumulation, resolutions, masks, validation, averages and balanced concepts is
checked and, unless the checks refuse it, trained to its end, as often as asked. The steps that the checks told must be
those that the run went through, and every run must end well. A run takes about ten seconds on two cores; the tests hold
the same for the planner alone (`tests/unit/pipeline/test_counts.py`).
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from onetrainer_web.config.files import parse_request
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import read_state

SHAPES = ((64, 64), (64, 64), (128, 64), (64, 128), (64, 64), (96, 64), (64, 64))


def main() -> int:
    """Try as many combinations as asked; the exit status is the number that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        _write_pictures(workspace)
        return sum(not _try(_draw(chance), workspace) for _ in range(options.runs))


def _write_pictures(workspace: Path) -> None:
    for count in (1, 2, 7):
        (workspace / str(count)).mkdir()
        for number, size in enumerate(SHAPES[:count]):
            path = workspace / str(count) / f"{number}.png"
            Image.new("RGB", size, (40 * number, 90, 10)).save(path)
            Image.new("L", size, 255).save(path.with_name(f"{number}-masklabel.png"))
            path.with_suffix(".txt").write_text("a glim\na round glim", encoding="utf-8")


def _draw(chance: random.Random) -> dict[str, Any]:
    concepts = [
        {
            "path": chance.choice(["1", "2", "7"]),
            "seed": chance.randrange(9),
            "balancing": chance.choice([1, 0.5, 2.4]),
            "image_variations": chance.choice([1, 3]),
        }
        for _ in range(chance.choice([1, 2]))
    ]
    if is_validating := chance.random() < 0.3:
        concepts.append({"path": "2", "seed": 1, "type": "VALIDATION"})
    return {
        "base_model_name": "tiny",
        "concepts": concepts,
        "batch_size": chance.choice([1, 2, 4]),
        "gradient_accumulation_steps": chance.choice([1, 3]),
        "epochs": chance.choice([1, 2]),
        "resolution": chance.choice(["64", "48,64", "64 x 96"]),
        "latent_caching": chance.random() < 0.7,
        "masked_training": chance.random() < 0.4,
        "validation": is_validating,
        "ema": chance.choice(["OFF", "CPU"]),
        "learning_rate_warmup_steps": 10**9,  # never reached, so that the checks tell the run's length
        "train_device": "cpu",
        "sample_after_unit": "NEVER",
        "backup_after_unit": "NEVER",
    }


def _try(changes: dict[str, Any], workspace: Path) -> bool:
    config = parse_request(changes).config
    report = validate_with_pictures(config, workspace, deep=True)
    if not report.valid:
        print("refused:", " ".join(report.errors), flush=True)
        return all(message.endswith(".") for message in report.errors)
    told = next(int(found[1]) for text in report.warnings if (found := re.search(r"has only (\d+)", text)))
    file = workspace / "combination.json"
    file.write_text(json.dumps(changes), encoding="utf-8")
    command = [sys.executable, "-m", "onetrainer_web.cli.main", "train", str(file), "--workspace", str(workspace)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    run = max((workspace / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    steps = read_state(RunFolder(run)).progress.global_step
    is_right = ended.returncode == 0 and steps == told
    print("right:" if is_right else "WRONG:", f"{steps} steps, {told} told", flush=True)
    if not is_right:
        print(json.dumps(changes), ended.stdout[-2000:], ended.stderr[-2000:], flush=True)
    return is_right


if __name__ == "__main__":
    sys.exit(main())
