"""Whether the torch that is installed can use the GPUs that are here, and if not, the line that mends it."""

import os
import subprocess
import sys

from pydantic import BaseModel

from onetrainer_web.app.finding import Finding, fine, lacking
from onetrainer_web.system.environment import environment_of_children
from onetrainer_web.system.gpus import Gpu, graphics_vendors, list_gpus, nvidia_driver

PROBE_PATIENCE_S = 120
PROBE = """
import json, torch, warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    architectures = torch.cuda.get_arch_list()
names += [torch.xpu.get_device_name(index) for index in range(torch.xpu.device_count())]
names += ["Apple GPU (mps)"] if torch.backends.mps.is_available() else []
print(json.dumps(dict(
    version=torch.__version__, cuda=torch.version.cuda, hip=torch.version.hip, xpu=torch.version.xpu,
    devices=names, architectures=architectures, warnings=[str(warning.message) for warning in told],
)))
"""

SELECTOR = "docs/install.md"
OLDEST_DRIVER = {"13": 580, "12": 525}
"""Oldest driver for a major version of CUDA: docs.nvidia.com/deploy/cuda-compatibility, table 1."""
CUDA_13 = "cu130"
CUDA_12 = "cu126"
TURING = (7, 5)
"""Oldest compute capability that builds for CUDA 13 serve: pytorch/pytorch, RELEASE.md, "CUDA Support Matrix"."""
BLACKWELL = (10, 0)
"""Oldest compute capability that builds for CUDA 12.6 no longer serve (the same table)."""
ROCM = "rocm7.2"
XPU = "xpu"
INTEL, AMD = "0x8086", "0x1002"


class TorchBuild(BaseModel, frozen=True):
    """What torch says of itself."""

    version: str
    cuda: str | None = None
    hip: str | None = None
    xpu: str | None = None
    devices: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    """What its CUDA code was compiled for, as `sm_86` and `compute_120`; empty where no CUDA device answers."""
    warnings: tuple[str, ...] = ()


def examine_devices() -> Finding:
    """What torch can train on; asked in a process of its own, since this one never loads torch."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_PATIENCE_S,
            check=True,
            env=environment_of_children(),
        )
    except subprocess.SubprocessError as error:
        reason = getattr(error, "stderr", None) or str(error)
        return lacking("devices", f"torch cannot be loaded: {str(reason).strip().splitlines()[-1]}")
    build = TorchBuild.model_validate_json(done.stdout.splitlines()[-1])
    return judge(build, list_gpus(), nvidia_driver(), graphics_vendors(), os.environ.get("CUDA_VISIBLE_DEVICES"))


def judge(
    build: TorchBuild, gpus: tuple[Gpu, ...], driver: int | None, vendors: set[str], visible: str | None = None
) -> Finding:
    """Whether a build of torch can use what is here.

    Args:
        build: The torch that is installed.
        gpus: The GPUs that NVIDIA's driver knows.
        driver: That driver's major version, None without one.
        vendors: PCI vendors of the other graphics devices (Linux only).
        visible: `CUDA_VISIBLE_DEVICES`, None where it is not set.
    """
    if build.devices:
        unserved = [gpu for gpu in gpus if build.architectures and not _serves(build, gpu)]
        if not unserved:
            return fine("devices", ", ".join(build.devices))
        gpu = unserved[0]
        return lacking(
            "devices",
            f"torch {build.version} has no code for {_name(gpu)}, only for {', '.join(build.architectures)}; "
            + _remedy(build, gpus, driver),
        )
    if gpus and visible is not None:
        return lacking(
            "devices", f"CUDA_VISIBLE_DEVICES={visible!r} hides the GPUs that are here ({_names(gpus)}); unset it"
        )
    if gpus:
        return lacking("devices", f"torch {build.version} {_why_not(build, driver)}; {_remedy(build, gpus, driver)}")
    return fine("devices", "no GPU; training uses the CPU, which is slow" + _hint(build, vendors))


def _serves(build: TorchBuild, gpu: Gpu) -> bool:
    """Code for `sm_XY` runs on the same major version from that minor on, `compute_XY` on all that is newer."""
    major, minor = gpu.compute_capability
    for architecture in build.architectures:
        kind, _, digits = architecture.partition("_")
        digits = "".join(character for character in digits if character.isdigit())  # sm_90a
        compiled = int(digits[:-1]), int(digits[-1])
        if compiled <= (major, minor) and (kind == "compute" or compiled[0] == major):
            return True
    return False


def _why_not(build: TorchBuild, driver: int | None) -> str:
    if build.cuda is None:
        return "was not built for NVIDIA GPUs"
    needed = OLDEST_DRIVER.get(build.cuda.partition(".")[0])
    if driver is not None and needed is not None and driver < needed:
        return f"is built for CUDA {build.cuda}, which needs NVIDIA's driver {needed} or newer (here: {driver})"
    return "sees no GPU" + (f" ({build.warnings[-1].strip()})" if build.warnings else "")


def _remedy(build: TorchBuild, gpus: tuple[Gpu, ...], driver: int | None) -> str:
    """The line that installs the build for these GPUs and this driver, or what comes before it."""
    oldest = min(gpu.compute_capability for gpu in gpus)
    newest = max(gpu.compute_capability for gpu in gpus)
    is_driver_new = driver is None or driver >= OLDEST_DRIVER["13"]
    if newest >= BLACKWELL and not is_driver_new:
        return f"{_names(gpus)} needs NVIDIA's driver {OLDEST_DRIVER['13']} or newer (here: {driver}): update it"
    if driver is not None and driver < OLDEST_DRIVER["12"]:
        return f"update NVIDIA's driver (here: {driver}) to {OLDEST_DRIVER['13']} or newer"
    wanted = CUDA_13 if is_driver_new and (oldest >= TURING or newest >= BLACKWELL) else CUDA_12
    if build.version.endswith(f"+{wanted}"):
        return f"restart the machine if the driver was just updated, and see {SELECTOR}"
    return f"install the build for {_names(gpus)}: {_install(build, wanted)}"


def _hint(build: TorchBuild, vendors: set[str]) -> str:
    if AMD in vendors and build.hip is None:
        return f"; for the AMD GPU, if ROCm serves it: {_install(build, ROCM)}"
    if INTEL in vendors and build.xpu is None:
        return f"; for an Intel Arc GPU: {_install(build, XPU)}"
    return ""


def _install(build: TorchBuild, wanted: str) -> str:
    release = build.version.partition("+")[0]
    return f'pip install "torch=={release}+{wanted}" --extra-index-url https://download.pytorch.org/whl/{wanted}'


def _name(gpu: Gpu) -> str:
    major, minor = gpu.compute_capability
    return f"{gpu.name} (compute capability {major}.{minor})"


def _names(gpus: tuple[Gpu, ...]) -> str:
    return ", ".join(dict.fromkeys(gpu.name for gpu in gpus))
