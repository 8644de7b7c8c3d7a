"""An index that is damaged, before the start or while the server runs: it is made anew, and nothing else suffers."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.conftest import WaitUntil, create

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.commands import Stop
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView

Damage = Callable[[Path], None]
PAGE_BYTES = 4096


def tear_pages(index: Path) -> None:
    """As a power cut may leave it: in all pages but the first two, something else stands."""
    execute(index, "PRAGMA wal_checkpoint(TRUNCATE)")
    with index.open("r+b") as file:
        for number in range(2, index.stat().st_size // PAGE_BYTES):
            file.seek(number * PAGE_BYTES)
            file.write(b"\xa5" * 200)


def execute(index: Path, statement: str) -> None:
    connection = sqlite3.connect(index)
    connection.execute(statement)
    connection.commit()
    connection.close()


def replace_by_folder(index: Path) -> None:
    for path in index.parent.glob(f"{index.name}*"):
        path.unlink()
    (index / "something").mkdir(parents=True)


DAMAGE: dict[str, Damage] = {
    "torn pages": tear_pages,
    "a row that is no JSON": lambda index: execute(index, "UPDATE runs SET fold = 'nope'"),
    "a row of something else": lambda index: execute(index, "UPDATE runs SET header = '[3]'"),
    "a lost table": lambda index: execute(index, "DROP TABLE runs"),
    "a folder": replace_by_folder,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_server_starts_on_a_damaged_index(
    workspace: Workspace, open_service: Callable[[], RunService], caplog: pytest.LogCaptureFixture, damage: Damage
) -> None:
    before = open_service()
    before.set_queue_paused(True)
    created = {create(before, TrainConfig(train_device="cpu"), name=name).id for name in ("first", "second")}
    before.close()
    damage(workspace.index)
    after = open_service()
    assert {run.id for run in after.list().runs} == created
    assert len([record for record in caplog.records if "rebuilt from the run folders" in record.message]) == 1
    assert (workspace.folder / "index.sqlite3.damaged").exists(), "for whoever wants to know what happened"


@pytest.mark.parametrize("name", [name for name in DAMAGE if name != "a folder"])
def test_a_running_server_rebuilds_its_index_and_keeps_its_trainers(
    workspace: Workspace,
    service: RunService,
    start: Callable[[str], RunView],
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    run = start("steps=100000 pause=0.005")
    DAMAGE[name](workspace.index)
    step = service.get(run.id).progress

    def goes_on() -> bool:
        try:
            service.outputs.samples(run_id=run.id)
            return service.get(run.id).progress != step
        except OneTrainerWebError:  # it is being rebuilt
            return False

    wait_until(goes_on)
    assert service.current().is_training
    service.command_training(Stop())
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)
    assert not [record for record in caplog.records if "Supervision failed" in record.message]
