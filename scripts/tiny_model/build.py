"""Build the tiny model from nothing: `python -m scripts.tiny_model.build`.

Draws its own training pictures, trains in stages and writes the diffusers folder `tiny/model`. It can be stopped at any
time: the same command goes on from the checkpoints in the work folder. A few hours on two CPU cores.
"""

import argparse
import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from scripts.tiny_model.autoencoder import load_autoencoder, train_autoencoder
from scripts.tiny_model.denoiser import load_denoiser, new_scheduler, train_denoiser
from scripts.tiny_model.latents import encode_pictures
from scripts.tiny_model.tokenizer import load_or_train_tokenizer
from scripts.tiny_model.work import BuildPlan, TimeSlice, read_checkpoint

from onetrainer_web.engine.weights.diffusers_folder import write_folder
from onetrainer_web.tiny.paths import tiny_model_folder

LOSSES_AVERAGED = 250

logger = logging.getLogger(__name__)


def build(plan: BuildPlan, work_folder: Path, time_slice: TimeSlice) -> bool:
    """Work on the stages until all are done or the time slice is over.

    Returns:
        Whether the model is finished.
    """
    tokenizer = load_or_train_tokenizer(work_folder / "tokenizer", plan.seed)
    if not train_autoencoder(plan, work_folder, time_slice):
        return False
    pictures = encode_pictures(plan, work_folder)
    return train_denoiser(plan, pictures, tokenizer, work_folder, time_slice)


def export(plan: BuildPlan, work_folder: Path, folder: Path) -> None:
    """Write what the checkpoints hold as a diffusers folder, in float16, with `build.json` on how it was made."""
    tokenizer = load_or_train_tokenizer(work_folder / "tokenizer", plan.seed)
    autoencoder = load_autoencoder(work_folder)
    autoencoder.register_to_config(scaling_factor=round(encode_pictures(plan, work_folder).scaling_factor, 6))
    denoiser = load_denoiser(work_folder, tokenizer)
    parts: dict[str, Any] = {
        "vae": autoencoder.half(),
        "text_encoder": denoiser.text_encoder.half(),
        "tokenizer": tokenizer,
        "unet": denoiser.unet.half(),
        "scheduler": new_scheduler(),
        **dict.fromkeys(("safety_checker", "feature_extractor", "image_encoder")),
    }
    shutil.rmtree(folder, ignore_errors=True)
    write_folder(folder, "StableDiffusionPipeline", parts, None, {"requires_safety_checker": False})
    record = {
        "command": "python -m scripts.tiny_model.build",
        "plan": asdict(plan),
        "autoencoder": _progress(work_folder / "autoencoder.pt"),
        "denoiser": _progress(work_folder / "denoiser.pt"),
        "torch": torch.__version__,
    }
    (folder / "build.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _progress(path: Path) -> dict[str, Any]:
    state = read_checkpoint(path)
    assert state is not None, "a model is exported after it is trained"
    recent: list[float] = state["losses"][-LOSSES_AVERAGED:]
    return {"steps_done": state["step"], f"mean_loss_of_last_{LOSSES_AVERAGED}": round(sum(recent) / len(recent), 5)}


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work-folder", type=Path, default=Path.home() / ".cache" / "onetrainer-web-tiny")
    parser.add_argument("--minutes", type=float, help="stop in good order after so many minutes; default: when done")
    parser.add_argument("--threads", type=int, default=1, help="the committed weights were made with 1")
    parser.add_argument("--export-only", action="store_true", help="only write what the checkpoints hold now")
    parser.add_argument("--output", type=Path, default=tiny_model_folder(), help="the model folder to (over)write")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    plan = BuildPlan()
    if arguments.export_only or build(plan, arguments.work_folder, TimeSlice(arguments.minutes)):
        export(plan, arguments.work_folder, arguments.output)
        logger.info("wrote %s", arguments.output)
    else:
        logger.info("time is up; the same command goes on")


if __name__ == "__main__":
    main()
