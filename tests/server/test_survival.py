"""The promises of survival, kept with the real trainer on a tiny random model."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.server.conftest import create

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.commands import Backup, Save, Stop
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import RunStatus, read_state
from onetrainer_web.protocol.tasks import Engine
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.executors import Urgency
from onetrainer_web.runs.executors.process import find_trainer, send
from onetrainer_web.runs.launcher import TRAINER, Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.system.onetrainer import OneTrainer

pytestmark = pytest.mark.slow

Wait = Callable[..., None]
TINY_MODELS = Path(__file__).parent.parent / "engine" / "tiny_models.py"
SAMPLE = {"prompt": "a red picture", "width": 64, "height": 64, "diffusion_steps": 2}
PATIENCE_S = 600.0

CHECKOUT = Path(__file__).parent.parent / "stand_in_checkout"
ONETRAINER = OneTrainer(CHECKOUT, Path(sys.executable))
"""OneTrainer's seam with nothing behind it, so that both engines make the same promises everywhere."""

SERVER = """
import signal, sys
from pathlib import Path
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.system.onetrainer import OneTrainer
launcher = Launcher(onetrainer=OneTrainer(Path(sys.argv[2]), Path(sys.executable)))
service = RunService(Workspace(Path(sys.argv[1])), launcher)
service.start()
signal.pause()
"""


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model, made in another process: servers never import torch, nor does this test."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    script = (
        "import importlib.util, sys; from pathlib import Path;"
        "spec = importlib.util.spec_from_file_location('tiny_models', sys.argv[1]);"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module);"
        "module.make_stable_diffusion(Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", script, str(TINY_MODELS), str(folder)], check=True)
    return folder


@pytest.fixture
def config(tiny_model: Path, workspace: Workspace) -> TrainConfig:
    """A LoRA on four pictures that would go on for hours."""
    pictures = workspace.datasets / "colours"
    pictures.mkdir()
    for name in ("red", "green", "blue", "black"):
        Image.new("RGB", (64, 64), name).save(pictures / f"{name}.png")
        (pictures / f"{name}.txt").write_text(f"a {name} picture")
    return TrainConfig.model_validate(
        {
            "training_method": "LORA",
            "base_model_name": str(tiny_model),
            "train_device": "cpu",
            "train_dtype": "FLOAT_32",
            "resolution": "64",
            "epochs": 100_000,
            "concepts": [ConceptConfig(path="datasets/colours", seed=1).model_dump()],
            "samples": [SAMPLE],
            "sample_after_unit": "NEVER",
            "backup_after_unit": "NEVER",
            "tensorboard": False,
            "text_encoder": {"train": False},
        }
    )


@pytest.fixture
def real_service(workspace: Workspace) -> Iterator[Callable[[], RunService]]:
    """Starts services with the real trainer; when the test ends, both are gone."""
    opened: list[RunService] = []

    def open_one() -> RunService:
        service = RunService(workspace, Launcher(onetrainer=ONETRAINER))
        service.start()
        opened.append(service)
        return service

    yield open_one
    for service in opened:
        service.close()
    for folder in workspace.run_folders():
        kill_trainer(folder)


@pytest.fixture(params=list(Engine))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each of the two."""
    return request.param


def kill_trainer(folder: RunFolder) -> None:
    command = Launcher(TRAINER, ONETRAINER).command(folder, folder.read_record().engine)
    if process := find_trainer(folder, read_state(folder).pid, command):
        send(process, Urgency.KILL)


def steps_done(folder: RunFolder) -> int:
    progress = read_state(folder).progress
    return progress.global_step if progress else 0


def test_a_run_outlives_its_server_and_obeys_the_next_one(
    real_service: Callable[[], RunService], workspace: Workspace, config: TrainConfig, engine: Engine, wait_until: Wait
) -> None:
    # The first server lives in its own process, to be killed; it finds the waiting run and launches it.
    paused = real_service()
    paused.set_queue_paused(True)
    run_id = create(paused, config, engine=engine).id
    paused.set_queue_paused(False)
    folder = workspace.run_folder(run_id)
    paused.close()

    server = subprocess.Popen([sys.executable, "-c", SERVER, str(workspace.folder), str(CHECKOUT)])
    wait_until(lambda: steps_done(folder) >= 3, PATIENCE_S)
    server.kill()
    server.wait()
    step = steps_done(folder)
    wait_until(lambda: steps_done(folder) > step + 5, PATIENCE_S)

    service = real_service()
    assert service.current().status == "running"
    service.request_samples([SAMPLE], config)
    service.command_training(Backup())
    service.command_training(Save())
    wait_until(
        lambda: service.outputs.samples().total and service.outputs.backups(run_id) and service.outputs.saves(run_id),
        PATIENCE_S,
    )
    with Image.open(service.outputs.sample("sample_001").path) as picture:
        assert picture.size == (64, 64)
    service.command_training(Stop())
    wait_until(lambda: not service.current().is_training, PATIENCE_S)
    assert service.current().status == "stopped"

    journal = service.outputs.events(run_id, limit=10**6)
    assert [event.seq for event in journal] == list(range(1, len(journal) + 1))
    steps = [event.progress.global_step for event in journal if event.type == "step"]
    assert steps == list(range(1, len(steps) + 1))
    measured = [event.progress.global_step for event in journal if event.type == "step" and event.metrics]
    for points in service.outputs.metrics(run_id, max_points=10**6).metrics.values():
        assert {point.step for point in points} <= set(measured)
        assert len(points) == len({point.step for point in points})


def test_a_killed_trainer_is_interrupted_and_resumes_from_its_last_backup(
    real_service: Callable[[], RunService], workspace: Workspace, config: TrainConfig, engine: Engine, wait_until: Wait
) -> None:
    service = real_service()
    run_id = service.start_training(config, engine=engine).id
    folder = workspace.run_folder(run_id)
    wait_until(lambda: steps_done(folder) >= 3, PATIENCE_S)
    service.command_training(Backup())
    wait_until(lambda: service.outputs.backups(run_id), PATIENCE_S)
    backup = service.outputs.backups(run_id)[0]
    wait_until(lambda: steps_done(folder) > backup.progress.global_step + 3, PATIENCE_S)

    kill_trainer(folder)
    wait_until(lambda: not service.current().is_training, 2)
    interrupted = service.current()
    assert interrupted.status == "interrupted"
    assert "ended without a word at step" in (interrupted.error or "")

    service.resume(run_id)
    assert service.current().is_training
    wait_until(lambda: service.current().status == "running", PATIENCE_S)
    planned = service.outputs.events(run_id, types={"planned"})[-1]
    assert planned.type == "planned"
    assert (planned.resumed_from, planned.progress) == (backup.path, backup.progress)
    wait_until(lambda: steps_done(folder) > backup.progress.global_step + 3, PATIENCE_S)
    service.command_training(Stop(save=False))
    wait_until(lambda: not service.current().is_training, PATIENCE_S)
    assert service.get(run_id).status is RunStatus.STOPPED


def test_a_stop_while_loading_ends_the_trainer(
    real_service: Callable[[], RunService],
    workspace: Workspace,
    config: TrainConfig,
    engine: Engine,
    wait_until: Wait,
    tmp_path: Path,
) -> None:
    model = tmp_path / "tiny load=600"  # the stand-in takes that long then, the native engine as long as it needs
    model.symlink_to(config.base_model_name)
    service = real_service()
    run_id = service.start_training(config.model_copy(update={"base_model_name": str(model)}), engine=engine).id
    folder = workspace.run_folder(run_id)
    wait_until(lambda: read_state(folder).started, PATIENCE_S)
    service.command_training(Stop())
    wait_until(lambda: not is_held(folder.lock), PATIENCE_S)
    assert read_state(folder).status is RunStatus.STOPPED
    assert steps_done(folder) == 0


def test_samples_are_drawn_while_nothing_trains(
    real_service: Callable[[], RunService], config: TrainConfig, wait_until: Wait
) -> None:
    service = real_service()
    sampler = service.request_samples(None, config)
    wait_until(lambda: service.outputs.samples().total == 1, PATIENCE_S)
    again = service.request_samples([{**SAMPLE, "seed": 5}], config)
    assert again.id == sampler.id
    wait_until(lambda: service.outputs.samples().total == 2, PATIENCE_S)
    newest, first = service.outputs.samples().samples
    assert (first.metadata["kind"], newest.metadata["kind"], newest.metadata["seed"]) == ("default", "custom", 5)
    service.command(sampler.id, Stop())
    wait_until(lambda: service.get(sampler.id).status is RunStatus.STOPPED, PATIENCE_S)
