"""Peak memory of a process that trains: `python -m bench.memory ours|bare WORKSPACE SIZE` prints bytes.

The bare process has the UNet with the same adapters, an optimizer and one batch, and imports nothing of ours.
"""

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

NUM_STEPS = 6


def compare_memory(workspace: Path, size: str, num_rounds: int) -> dict[str, float]:
    """Peak of both processes, in turns."""
    # As in a run: where bitsandbytes is installed, it would load all of torch's compiler.
    environment = os.environ | {"TORCHDYNAMO_DISABLE": "1"}
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(num_rounds):
        for kind, peaks in found.items():
            command = [sys.executable, "-m", "bench.memory", kind, str(workspace), size]
            shown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            peaks.append(float(shown.stdout))
    ours, bare = (statistics.median(found[kind]) for kind in ("ours", "bare"))
    return {"ours_mb": ours / 1e6, "bare_mb": bare / 1e6, "ratio": ours / bare}


def train_ours(workspace: Path, size: str) -> None:
    """Some steps of the trainer."""
    from onetrainer_web.engine.runtime.environment import importing

    with importing():
        from bench.loops import OurLoop, make_run
        from bench.run import settings

    OurLoop(make_run(workspace, settings(workspace, size))).block(NUM_STEPS)


def train_bare(workspace: Path, size: str) -> None:
    """The same number of steps with torch, diffusers and peft alone."""
    import torch
    import torch.nn.functional as F
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from peft import LoraConfig
    from peft.mapping import inject_adapter_in_model

    unet = UNet2DConditionModel.from_pretrained(workspace / "models" / size / "unet").requires_grad_(False)
    targets = [name for name, layer in unet.named_modules() if "attn" in name and isinstance(layer, torch.nn.Linear)]
    inject_adapter_in_model(LoraConfig(r=16, lora_alpha=1, target_modules=targets), unet)
    optimizer = torch.optim.AdamW([weight for weight in unet.parameters() if weight.requires_grad], lr=1e-5)
    side = 16 if size == "large" else 8
    latents = torch.randn(4, 4, side, side)
    prompt = torch.randn(4, 77, unet.config["cross_attention_dim"])
    for _ in range(NUM_STEPS):
        predicted = unet(latents, torch.randint(0, 1000, (4,)), prompt, return_dict=False)[0]
        F.mse_loss(predicted, torch.randn_like(latents)).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def peak_bytes() -> int:
    """The most memory that this process has had. Linux's `ru_maxrss` counts the parent's at the fork, too."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    kind, place, chosen = sys.argv[1:]
    {"ours": train_ours, "bare": train_bare}[kind](Path(place), chosen)
    print(peak_bytes())
