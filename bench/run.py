"""Measure the trainer against a bare loop: `python -m bench.run [--rounds N]`.

(a) steps a second of the trainer's loop as a share of the bare loop's: median over interleaved blocks of both
(b) pictures a second into the cache as a share of a bare loop over the autoencoder
(c) seconds from process start to the first step, split into its phases
(d) microseconds of a step that go into journal, curves and commands
(e) peak memory of a process that trains as a share of a bare one's
(f) the server: seconds to its first answer, its memory, milliseconds to read and to validate a configuration
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from bench.loops import BareLoop, OurLoop, make_run, temporary_workspace
from bench.memory import compare_memory
from bench.models import write_model, write_pictures
from bench.server import measure_configuration, measure_server
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.loop.encoders import FamilyEncoders
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.seams.interfaces import LoadRequest, Model
from onetrainer_web.engine.seams.precision import set_up_precision
from onetrainer_web.pipeline.cache import TensorCache
from onetrainer_web.pipeline.encode import fill_cache
from onetrainer_web.pipeline.entries import decode, pixels_of
from onetrainer_web.pipeline.items import collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions
from onetrainer_web.pipeline.watch import Watch
from onetrainer_web.protocol.events import Activity, Event, Planned, Progress, Started, Step, read_events

NUM_PICTURES = 64
SIDES_PX = {"demo": 64, "large": 128}
PUBLISHED = "published"
"""A model of which only the autoencoder is measured: Stable Diffusion's, with pictures of 256 pixels."""
PUBLISHED_SIDE_PX = 256
NUM_PUBLISHED_PICTURES = 4
STEPS_PER_BLOCK = {"demo": 10, "large": 2}


def settings(workspace: Path, size: str, **changes: Any) -> dict[str, Any]:
    """Attention-only LoRA of rank 16 at batch 4 in float32, without checkpointing."""
    return {
        "training_method": "LORA",
        "base_model_name": str(workspace / "models" / size),
        "concepts": [{"path": f"datasets/{size}", "seed": 1}],
        "resolution": str(SIDES_PX.get(size, PUBLISHED_SIDE_PX)),
        "epochs": 1_000_000,
        "batch_size": 4,
        "layer_filter": "attn",
        "learning_rate": 1e-5,
        "learning_rate_warmup_steps": 0,
        "train_device": "cpu",
        "train_dtype": "FLOAT_32",
        "output_model_format": "KOHYA_LORA",
        "unet": {"gradient_checkpointing": False},
        "text_encoder": {"train": False},
        "samples": [],
        "sample_after_unit": "NEVER",
        "backup_after_unit": "NEVER",
        **changes,
    }


def compare_loops(workspace: Path, size: str, num_rounds: int) -> dict[str, float]:
    """Our loop and the bare one, in turns; and what share of our steps waits for the next batch."""
    ours = OurLoop(make_run(workspace, settings(workspace, size)))
    bare = BareLoop(make_run(workspace, settings(workspace, size)))
    num_steps = STEPS_PER_BLOCK[size]
    ours.block(num_steps)
    bare.block(num_steps)
    ours.waited_s = 0.0
    pairs = [(ours.block(num_steps), bare.block(num_steps)) for _ in range(num_rounds)]
    return {
        "waiting_share": ours.waited_s / (num_steps * sum(own for own, _ in pairs)),
        "ours_steps_per_s": 1 / statistics.median(own for own, _ in pairs),
        "bare_steps_per_s": 1 / statistics.median(other for _, other in pairs),
        "ratio": statistics.median(other / own for own, other in pairs),
    }


def compare_encoding(workspace: Path, size: str, num_rounds: int) -> dict[str, float]:
    """Filling an empty cache with pictures, and the autoencoder alone on the same pictures."""
    prompts_stay_text = {"text_encoder": {"train": True}}
    config = TrainConfig.model_validate(settings(workspace, size, **prompts_stay_text))
    family = family_of(config.model_type)
    precision, _ = set_up_precision(config)
    request = LoadRequest(config.base_model_name, Path(config.base_model_name), config, Path)
    components = family.load(request)
    model = Model(components, precision, family.objective(components, config, precision.device), "")
    encoders = FamilyEncoders(family, model, config)
    data = collect_data(config.concepts or [], [ConceptType.STANDARD], lambda path: workspace / path)
    items = Planner(data, PlanOptions.of(config, 8)).items([0])
    pixels = pixels_of([decode(item).pixels for item in items])

    def fill(number: int) -> float:
        start = time.perf_counter()
        fill_cache(items, encoders, TensorCache(workspace / f"cache-{number}"), Watch())
        return time.perf_counter() - start

    def encode() -> float:
        start = time.perf_counter()
        with torch.no_grad():
            for batch in pixels.split(16):
                components["vae"].encode(batch).latent_dist.sample()
        return time.perf_counter() - start

    encode()
    pairs = [(fill(number), encode()) for number in range(num_rounds)]
    return {
        "ours_pictures_per_s": len(items) / statistics.median(own for own, _ in pairs),
        "bare_pictures_per_s": len(items) / statistics.median(other for _, other in pairs),
        "ratio": statistics.median(other / own for own, other in pairs),
    }


def measure_start(workspace: Path, size: str) -> dict[str, float]:
    """Seconds of each phase of a real process up to its first step."""
    folder = make_run(workspace, settings(workspace, size, epochs=1, backup_before_save=False))
    start = time.time()
    with folder.log.open("wb") as log:
        command = [sys.executable, "-m", "onetrainer_web.engine.worker", str(folder.path)]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    found = list(read_events(folder.events))

    def at(kind: type[Event]) -> float:
        return next(event.time.timestamp() for event in found if isinstance(event, kind))

    loading = next(e.time.timestamp() for e in found if isinstance(e, Activity) and e.doing is Doing.LOADING)
    begun, planned, stepped = at(Started), at(Planned), at(Step)
    return {
        "until_locked_s": begun - start,
        "imports_s": loading - begun,
        "loading_and_caching_s": planned - loading,
        "first_step_s": stepped - planned,
        "total_s": stepped - start,
    }


def measure_reporting(workspace: Path, num_steps: int = 2000, num_rounds: int = 5) -> dict[str, float]:
    """Microseconds of a step that go into the journal, with and without curves and a look at commands: medians."""
    rounds = [_report_steps(workspace / f"reporting-{number}", num_steps) for number in range(num_rounds)]
    return {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}


def _report_steps(workspace: Path, num_steps: int) -> dict[str, float]:
    metrics = {"loss/train_step": 0.1234567, "smooth_loss/train_step": 0.1234567, "lr/unet_lora": 1e-4}
    found: dict[str, float] = {}
    for name in ("journal_us", "journal_and_curves_us", "journal_curves_and_commands_us"):
        folder = make_run(workspace, {})
        reporter = Reporter(folder.events)
        control = Control(folder, 0, reporter.write)
        if name != "journal_us":
            reporter.open_tensorboard(workspace / name)
        start = time.perf_counter()
        for step in range(num_steps):
            reporter.step(Progress(global_step=step), metrics)
            if name == "journal_curves_and_commands_us":
                control.check()
                control.raise_if_stopped()
        found[name] = (time.perf_counter() - start) / num_steps * 1e6
        reporter.close()
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved blocks of each loop")
    parser.add_argument("--sizes", nargs="+", choices=list(SIDES_PX), default=list(SIDES_PX))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    with temporary_workspace() as name:
        workspace = Path(name)
        for size in arguments.sizes:
            write_model(workspace / "models" / size, size)
            write_pictures(workspace / "datasets" / size, NUM_PICTURES, SIDES_PX[size])
        found["server"] = measure_server(workspace / "served")
        found["configuration"] = measure_configuration(workspace)
        found["reporting"] = measure_reporting(workspace)
        for size in arguments.sizes:
            found[f"loop, {size}"] = compare_loops(workspace, size, arguments.rounds)
            found[f"memory, {size}"] = compare_memory(workspace, size, min(3, arguments.rounds))
            found[f"encoding, {size}"] = compare_encoding(workspace, size, min(3, arguments.rounds))
        write_model(workspace / "models" / PUBLISHED, "demo", has_small_autoencoder=False)
        write_pictures(workspace / "datasets" / PUBLISHED, NUM_PUBLISHED_PICTURES, PUBLISHED_SIDE_PX)
        found["encoding, published autoencoder"] = compare_encoding(workspace, PUBLISHED, min(3, arguments.rounds))
        found["start"] = measure_start(workspace, arguments.sizes[0])
    print(json.dumps(found, indent=2, default=lambda value: round(value, 4)))


if __name__ == "__main__":
    main()
