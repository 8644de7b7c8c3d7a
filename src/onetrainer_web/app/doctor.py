"""What this machine has, and what is missing for training."""

import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import psutil
from pydantic import BaseModel, Field

from onetrainer_web.config.secrets import which_are_set
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.system.environment import environment_of_children
from onetrainer_web.system.onetrainer import OneTrainer

TRAINER_PACKAGES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors")
ENOUGH_DISK_GB = 10
DEVICE_PROBE = (
    "import json, torch;"
    "names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())];"
    "names += ['mps'] if torch.backends.mps.is_available() else [];"
    "print(json.dumps(names))"
)
PROBE_PATIENCE_S = 120


class Finding(BaseModel):
    """One thing that was looked at."""

    subject: str = Field(description="What was looked at.")
    is_fine: bool = Field(description="Whether nothing about it stands in the way of training.")
    text: str = Field(description="What was found, and what to do about it.")


def examine(workspace: Workspace, onetrainer: OneTrainer | None = None) -> list[Finding]:
    """Look at the system, the packages, the devices and the workspace; takes seconds, since torch is loaded for it."""
    second_engine = [_onetrainer(onetrainer)] if onetrainer else []
    return [_python(), *_packages(), _devices(), *second_engine, *_workspace(workspace)]


def _fine(subject: str, text: str) -> Finding:
    return Finding(subject=subject, is_fine=True, text=text)


def _lacking(subject: str, text: str) -> Finding:
    return Finding(subject=subject, is_fine=False, text=text)


def _python() -> Finding:
    return Finding(
        subject="system",
        is_fine=True,
        text=f"{platform.platform()}, Python {platform.python_version()} ({sys.executable})",
    )


def _packages() -> list[Finding]:
    findings = [_fine("onetrainer-web", version("onetrainer-web"))]
    for name in TRAINER_PACKAGES:
        try:
            findings.append(_fine(name, version(name)))
        except PackageNotFoundError:
            hint = "missing; install the trainer with: pip install 'onetrainer-web[train]'"
            findings.append(_lacking(name, hint))
    return findings


def _devices() -> Finding:
    """What torch can train on; asked in a process of its own, since this one never loads torch."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", DEVICE_PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_PATIENCE_S,
            check=True,
            env=environment_of_children(),
        )
    except subprocess.SubprocessError as error:
        reason = getattr(error, "stderr", None) or str(error)
        return Finding(
            subject="devices", is_fine=False, text=f"torch cannot be loaded: {str(reason).strip().splitlines()[-1]}"
        )
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return Finding(
        subject="devices",
        is_fine=True,
        text=", ".join(names) if names else "no GPU; training uses the CPU, which is slow",
    )


def _onetrainer(onetrainer: OneTrainer) -> Finding:
    info = onetrainer.info
    if info.missing:
        return _lacking("OneTrainer", info.missing)
    versions = ", ".join(f"{name} {number}" for name, number in info.versions.items())
    return _fine("OneTrainer", f"{info.folder} at {info.commit or 'an unknown commit'}; {versions} ({info.python})")


def _workspace(workspace: Workspace) -> list[Finding]:
    folder = workspace.folder
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = psutil.disk_usage(str(there)).free / 2**30
    state = f"{len(workspace.run_folders())} runs" if folder.is_dir() else "not made yet; the first start makes it"
    serving = "a server is at work" if is_held(workspace.server_lock) else "no server is at work"
    secrets = [name for name, is_set in which_are_set(workspace.secrets).items() if is_set]
    return [
        _fine("workspace", f"{folder}: {state}; {serving}"),
        Finding(
            subject="disk",
            is_fine=free_gb >= ENOUGH_DISK_GB,
            text=f"{free_gb:.0f} GB free; models and backups need {ENOUGH_DISK_GB}",
        ),
        _fine("secrets", ", ".join(secrets) + " set" if secrets else "none set"),
    ]
