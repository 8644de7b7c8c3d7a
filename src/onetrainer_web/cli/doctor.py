"""`onetrainer-web doctor`: what this machine has, and what is missing for training."""

import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import typer

from onetrainer_web.config.secrets import which_are_set
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.workspace import Workspace

TRAINER_PACKAGES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors")
ENOUGH_DISK_GB = 10
DEVICE_PROBE = (
    "import json, torch;"
    "names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())];"
    "names += ['mps'] if torch.backends.mps.is_available() else [];"
    "print(json.dumps(names))"
)
PROBE_PATIENCE_S = 120


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_fine: bool
    text: str


def report(workspace_folder: Path, *, as_json: bool) -> int:
    """Print what was found.

    Returns:
        The exit status: 0 when all is fine.
    """
    findings = [_python(), *_packages(), _devices(), *_workspace(Workspace(workspace_folder))]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = typer.style("ok  ", fg="green") if finding.is_fine else typer.style("look", fg="red")
            typer.echo(f"{mark} {finding.subject}: {finding.text}")
    return 0 if all(finding.is_fine for finding in findings) else 1


def _python() -> Finding:
    return Finding("system", True, f"{platform.platform()}, Python {platform.python_version()} ({sys.executable})")


def _packages() -> list[Finding]:
    findings = [Finding("onetrainer-web", True, version("onetrainer-web"))]
    for name in TRAINER_PACKAGES:
        try:
            findings.append(Finding(name, True, version(name)))
        except PackageNotFoundError:
            hint = "missing; install the trainer with: pip install 'onetrainer-web[train]'"
            findings.append(Finding(name, False, hint))
    return findings


def _devices() -> Finding:
    """What torch can train on; asked in a process of its own, since this one never loads torch."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", DEVICE_PROBE], capture_output=True, text=True, timeout=PROBE_PATIENCE_S, check=True
        )
    except subprocess.SubprocessError as error:
        reason = getattr(error, "stderr", None) or str(error)
        return Finding("devices", False, f"torch cannot be loaded: {str(reason).strip().splitlines()[-1]}")
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return Finding("devices", True, ", ".join(names) if names else "no GPU; training uses the CPU, which is slow")


def _workspace(workspace: Workspace) -> list[Finding]:
    folder = workspace.folder
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = psutil.disk_usage(str(there)).free / 1e9
    state = f"{len(workspace.run_folders())} runs" if folder.is_dir() else "not made yet; the first start makes it"
    serving = "a server is at work" if is_held(workspace.server_lock) else "no server is at work"
    secrets = [name for name, is_set in which_are_set(workspace.secrets).items() if is_set]
    return [
        Finding("workspace", True, f"{folder}: {state}; {serving}"),
        Finding("disk", free_gb >= ENOUGH_DISK_GB, f"{free_gb:.0f} GB free; models and backups need {ENOUGH_DISK_GB}"),
        Finding("secrets", True, ", ".join(secrets) + " set" if secrets else "none set"),
    ]
