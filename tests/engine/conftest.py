"""Tiny real models with random weights, made by the libraries' own classes, and runs on them."""

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image, ImageDraw
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.files import config_to_dict, parse_config
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.control import Control
from onetrainer_web.engine.reporter import Reporter
from onetrainer_web.engine.trainer import Trainer
from onetrainer_web.engine.weights.diffusers_folder import write_folder
from onetrainer_web.protocol.commands import Stop, append_command
from onetrainer_web.protocol.events import Progress
from onetrainer_web.protocol.run_folder import RunFolder, RunKind, create_run

LENGTH = 24
WIDTH = 16


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer over printable characters, without merges."""
    characters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{character}</w>" for character in characters)]
    vocabulary = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LENGTH)


def make_stable_diffusion(folder: Path, prediction: str = "epsilon", *, is_second: bool = False) -> Path:
    """A Stable Diffusion of about 150,000 weights in diffusers' layout; every weight away from zero."""
    torch.manual_seed(1)
    tokenizer = make_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=8,
        use_linear_projection=is_second,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        sample_size=16,
    )
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=LENGTH,
            projection_dim=WIDTH,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
    )
    for network in (unet, vae, text_encoder):
        _spread(network)
    parts = {
        "unet": unet,
        "vae": vae,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "scheduler": scheduler,
        "safety_checker": None,
        "feature_extractor": None,
    }
    write_folder(folder, "StableDiffusionPipeline", parts, None)
    return folder


def _spread(network: torch.nn.Module) -> None:
    """Give each weight a value that shows when it is mixed up with another one."""
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            if weight.ndim < 2:
                ramp = torch.arange(weight.numel(), dtype=torch.float32).view_as(weight)
                weight.add_(0.02 * torch.sin(ramp + number))
            elif float(weight.abs().max()) < 1 / math.sqrt(weight.numel()):
                weight.normal_(std=0.02)


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what the samplers of diffusers do with NumPy 2; compute as the trainer processes of the tests do."""
    torch.set_num_threads(1)
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning:diffusers")


class StoppingReporter(Reporter):
    """Tells the run to stop when a step was reported."""

    control: Control

    def __init__(self, folder: RunFolder, stop_behind: int | None) -> None:
        super().__init__(folder.events)
        self._folder = folder
        self._stop_behind = stop_behind

    def step(self, progress: Progress, metrics: dict[str, float]) -> None:
        """Report as usual."""
        super().step(progress, metrics)
        if progress.global_step == self._stop_behind:
            append_command(self._folder.commands, Stop())
            self.control.check()


@dataclass(frozen=True)
class Lab:
    """A workspace with a tiny model and a few captioned pictures."""

    workspace: Path
    model: Path

    def settings(self, **changes: Any) -> dict[str, Any]:
        """A complete configuration: LoRA on the tiny model, 2 batches of 2 an epoch, nothing extra."""
        chosen: dict[str, Any] = {
            "training_method": "LORA",
            "base_model_name": str(self.model),
            "concepts": [{"path": "datasets/squares", "seed": 7}],
            "resolution": "16",
            "epochs": 2,
            "batch_size": 2,
            "train_device": "cpu",
            "train_dtype": "FLOAT_32",
            "learning_rate": 1e-3,
            "learning_rate_warmup_steps": 0,
            "output_model_format": "KOHYA_LORA",
            "unet": {"gradient_checkpointing": False},
            "text_encoder": {"train": False},
            "samples": [{"prompt": "a red square", "width": 16, "height": 16, "diffusion_steps": 2}],
            "sample_after_unit": "NEVER",
            "backup_after_unit": "NEVER",
            "backup_before_save": False,
            "tensorboard": False,
        }
        return config_to_dict(TrainConfig.model_validate(chosen | changes))

    def add_pictures(self, name: str, num_pictures: int) -> None:
        """One more dataset."""
        draw_squares(self.workspace / "datasets" / name, num_pictures)

    def create(self, kind: RunKind = RunKind.TRAIN, **changes: Any) -> RunFolder:
        """A run that waits to be started."""
        return create_run(self.workspace / "runs", kind, "test", self.settings(**changes))

    def train(
        self,
        folder: RunFolder | None = None,
        backup: Path | None = None,
        stop_behind: int | None = None,
        **changes: Any,
    ) -> RunFolder:
        """Train in this process, until the end or until a stop behind a step."""
        folder = folder or self.create(**changes)
        reporter = StoppingReporter(folder, stop_behind)
        control = reporter.control = Control(folder, 0, reporter.write)
        control.is_disposable = False
        control.check()
        config = parse_config(folder.read_record().config).config
        reporter.write(Trainer(folder, config, reporter, control).run(backup))
        reporter.close()
        return folder

    def start(self, folder: RunFolder) -> subprocess.Popen[bytes]:
        """Start the real trainer process."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "onetrainer_web.engine.worker", str(folder.path)]
        with folder.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


def draw_squares(folder: Path, num_pictures: int = 5) -> None:
    """Small captioned pictures that differ."""
    folder.mkdir(parents=True)
    for number in range(num_pictures):
        picture = Image.new("RGB", (20, 20), (40 * number, 90, 200 - 40 * number))
        ImageDraw.Draw(picture).rectangle((4 + number, 4, 12 + number, 12), fill=(250, 40 * number, 30))
        picture.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"square number {number}")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion that predicts noise."""
    return make_stable_diffusion(tmp_path_factory.mktemp("model") / "tiny-sd")


@pytest.fixture
def lab(tmp_path: Path, tiny_model: Path) -> Lab:
    """A fresh workspace."""
    draw_squares(tmp_path / "datasets" / "squares")
    return Lab(tmp_path, tiny_model)
