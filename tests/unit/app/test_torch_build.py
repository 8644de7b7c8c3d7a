"""What the doctor says of a build of torch and the GPUs that are here, for machines that people have."""

import pytest

from onetrainer_web.app.torch_build import TorchBuild, judge
from onetrainer_web.system.gpus import Gpu

GTX_1080 = Gpu(0, "NVIDIA GeForce GTX 1080", 8 * 2**30, (6, 1))
RTX_3060 = Gpu(0, "NVIDIA GeForce RTX 3060", 12 * 2**30, (8, 6))
RTX_5090 = Gpu(0, "NVIDIA GeForce RTX 5090", 32 * 2**30, (12, 0))

CUDA_126 = ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90")
CUDA_130 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")

WITHOUT = TorchBuild(version="2.13.0+cpu")
OF_CUDA_12 = TorchBuild(version="2.13.0+cu126", cuda="12.6")
OF_CUDA_13 = TorchBuild(version="2.13.0+cu130", cuda="13.0")


def sees(build: TorchBuild, gpu: Gpu, architectures: tuple[str, ...]) -> TorchBuild:
    """The build as it answers where the driver lets it see the GPU."""
    return TorchBuild(version=build.version, cuda=build.cuda, devices=(gpu.name,), architectures=architectures)


@pytest.mark.parametrize(
    ("build", "gpu"),
    [
        (sees(OF_CUDA_12, GTX_1080, CUDA_126), GTX_1080),
        (sees(OF_CUDA_12, RTX_3060, CUDA_126), RTX_3060),
        (sees(OF_CUDA_13, RTX_3060, CUDA_130), RTX_3060),
        (sees(OF_CUDA_13, RTX_5090, CUDA_130), RTX_5090),
        (sees(OF_CUDA_13, RTX_5090, ("sm_90a", "compute_90")), RTX_5090),  # compiled on the machine from its text
    ],
)
def test_a_build_that_serves_the_gpu_is_fine(build: TorchBuild, gpu: Gpu) -> None:
    finding = judge(build, (gpu,), 580, set())
    assert finding.is_fine
    assert finding.text == gpu.name


@pytest.mark.parametrize(
    ("build", "gpu", "driver", "reason", "remedy"),
    [
        (WITHOUT, RTX_3060, 580, "was not built for NVIDIA GPUs", "torch==2.13.0+cu130"),
        (WITHOUT, RTX_3060, 550, "was not built for NVIDIA GPUs", "torch==2.13.0+cu126"),
        (WITHOUT, GTX_1080, 580, "was not built for NVIDIA GPUs", "torch==2.13.0+cu126"),
        (WITHOUT, RTX_5090, 570, "was not built for NVIDIA GPUs", "needs NVIDIA's driver 580 or newer (here: 570)"),
        (OF_CUDA_13, RTX_3060, 550, "needs NVIDIA's driver 580 or newer (here: 550)", "torch==2.13.0+cu126"),
        (OF_CUDA_12, RTX_3060, 470, "needs NVIDIA's driver 525 or newer (here: 470)", "update NVIDIA's driver"),
        (OF_CUDA_13, RTX_3060, 580, "sees no GPU", "restart the machine"),
        (sees(OF_CUDA_13, GTX_1080, CUDA_130), GTX_1080, 580, "no code for NVIDIA GeForce GTX 1080", "+cu126"),
        (sees(OF_CUDA_12, RTX_5090, CUDA_126), RTX_5090, 580, "(compute capability 12.0)", "+cu130"),
    ],
)
def test_what_is_wrong_comes_with_the_line_that_mends_it(
    build: TorchBuild, gpu: Gpu, driver: int, reason: str, remedy: str
) -> None:
    finding = judge(build, (gpu,), driver, set())
    assert not finding.is_fine
    assert reason in finding.text
    assert remedy in finding.text.partition(";")[2]


def test_a_hidden_gpu_is_told_as_hidden() -> None:
    finding = judge(OF_CUDA_13, (RTX_3060,), 580, set(), visible="")
    assert not finding.is_fine
    assert finding.text == "CUDA_VISIBLE_DEVICES='' hides the GPUs that are here (NVIDIA GeForce RTX 3060); unset it"


@pytest.mark.parametrize(
    ("vendors", "hint"), [({"0x1002"}, "+rocm7.2"), ({"0x8086"}, "+xpu"), ({"0x1a03"}, None), (set(), None)]
)
def test_other_makers_gpus_are_a_hint_and_no_fault(vendors: set[str], hint: str | None) -> None:
    finding = judge(WITHOUT, (), None, vendors)
    assert finding.is_fine
    assert "training uses the CPU" in finding.text
    assert (hint in finding.text) if hint else ("pip install" not in finding.text)
