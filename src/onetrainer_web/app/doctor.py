"""What this machine has, and what is missing for training."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import psutil

from onetrainer_web.app.finding import Finding, fine, lacking
from onetrainer_web.app.torch_build import examine_devices
from onetrainer_web.config.secrets import which_are_set
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.system.onetrainer import OneTrainer

TRAINER_PACKAGES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors")
ENOUGH_DISK_GB = 10


def examine(workspace: Workspace, onetrainer: OneTrainer | None = None) -> list[Finding]:
    """Look at the system, the packages, the devices and the workspace; takes seconds, since torch is loaded for it."""
    second_engine = [_onetrainer(onetrainer)] if onetrainer else []
    return [_python(), *_packages(), examine_devices(), *second_engine, *_workspace(workspace)]


def _python() -> Finding:
    return fine("system", f"{platform.platform()}, Python {platform.python_version()} ({sys.executable})")


def _packages() -> list[Finding]:
    findings = [fine("onetrainer-web", version("onetrainer-web"))]
    for name in TRAINER_PACKAGES:
        try:
            findings.append(fine(name, version(name)))
        except PackageNotFoundError:
            hint = "missing; install the trainer with: pip install 'onetrainer-web[train]'"
            findings.append(lacking(name, hint))
    return findings


def _onetrainer(onetrainer: OneTrainer) -> Finding:
    info = onetrainer.info
    if info.missing:
        return lacking("OneTrainer", info.missing)
    versions = ", ".join(f"{name} {number}" for name, number in info.versions.items())
    return fine("OneTrainer", f"{info.folder} at {info.commit or 'an unknown commit'}; {versions} ({info.python})")


def _workspace(workspace: Workspace) -> list[Finding]:
    folder = workspace.folder
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = psutil.disk_usage(str(there)).free / 2**30
    state = f"{len(workspace.run_folders())} runs" if folder.is_dir() else "not made yet; the first start makes it"
    serving = "a server is at work" if is_held(workspace.server_lock) else "no server is at work"
    secrets = [name for name, is_set in which_are_set(workspace.secrets).items() if is_set]
    return [
        fine("workspace", f"{folder}: {state}; {serving}"),
        Finding(
            subject="disk",
            is_fine=free_gb >= ENOUGH_DISK_GB,
            text=f"{free_gb:.0f} GB free; models and backups need {ENOUGH_DISK_GB}",
        ),
        fine("secrets", ", ".join(secrets) + " set" if secrets else "none set"),
    ]
