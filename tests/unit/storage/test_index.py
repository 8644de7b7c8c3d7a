"""The index holds what journals say, all or nothing, and nothing twice."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from onetrainer_web.protocol.events import BackedUp, Progress, SampleDrawn, Saved
from onetrainer_web.protocol.state import Fold, RunState
from onetrainer_web.protocol.tasks import Engine, RunKind
from onetrainer_web.storage.curves import BLOCK_POINTS, Point
from onetrainer_web.storage.index import RunIndex
from onetrainer_web.storage.rows import RunHeader, RunRow, RunUpdate
from onetrainer_web.storage.schema import MIGRATIONS
from onetrainer_web.storage.tables import REVISION, metadata

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[RunIndex]:
    index = RunIndex(tmp_path / "index.sqlite3", tmp_path / "retired.json")
    yield index
    index.close()


def row(run_id: str = "a", offset: int = 0) -> RunRow:
    header = RunHeader(
        id=run_id,
        kind=RunKind.TRAIN,
        engine=Engine.NATIVE,
        created=NOW,
        model_type="STABLE_DIFFUSION_15",
        training_method="LORA",
        train_device="cpu",
    )
    return RunRow(header, RunState(name=run_id), Fold(last_seq=offset), offset, 0)


def curves(index: RunIndex) -> dict[str, list[Point]]:
    return {curve.name: list(index.points(curve)) for curve in index.curves("a")}


def drawn(seq: int, seconds: float) -> SampleDrawn:
    return SampleDrawn(
        seq=seq,
        time=NOW + timedelta(seconds=seconds),
        kind="custom",
        path=f"samples/{seq}.png",
        index=0,
        progress=Progress(),
        settings={"prompt": f"{seq}"},
    )


def test_the_scripts_make_the_tables_that_the_code_speaks_of(index: RunIndex, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'index.sqlite3'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION
    assert index.runs() == []


def test_an_index_of_this_revision_opens_without_alembic(index: RunIndex, tmp_path: Path) -> None:
    index.apply([RunUpdate(row())])
    script = (
        "import sys; from pathlib import Path; from onetrainer_web.storage.index import RunIndex;"
        "index = RunIndex(Path(sys.argv[1]), Path('retired.json'));"
        "print(len(index.runs()), 'alembic' in sys.modules)"
    )
    output = subprocess.check_output([sys.executable, "-c", script, str(tmp_path / "index.sqlite3")], text=True)
    assert output.split() == ["1", "False"]


@pytest.mark.parametrize("damage", ["no database", "newer revision"])
def test_an_index_that_cannot_be_used_is_replaced(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index.sqlite3"
    if damage == "no database":
        path.write_text("this is no database, but long enough to be read as one" * 40)
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()
        connection.close()
    index = RunIndex(path, path.with_name("retired.json"))
    assert index.runs() == []
    index.apply([RunUpdate(row())])
    index.close()


def test_a_run_comes_back_as_it_was_written(index: RunIndex) -> None:
    index.apply([RunUpdate(row("b")), RunUpdate(row("a", 3))])
    index.apply([RunUpdate(row("b", 7))])
    assert index.runs() == [row("a", 3), row("b", 7)]


def test_samples_are_numbered_by_time_and_numbers_are_never_given_again(index: RunIndex) -> None:
    numbered = index.apply(
        [RunUpdate(row("a"), samples=[drawn(1, 5), drawn(2, 9)]), RunUpdate(row("b"), samples=[drawn(1, 7)])]
    )
    assert [(sample.number, sample.run_id) for sample in numbered] == [(1, "a"), (2, "b"), (3, "a")]
    assert [(sample.number, sample.run_id) for sample in index.newest_samples(9)] == [(3, "a"), (2, "b")]
    index.delete_run("a")
    assert index.count_samples() == 1
    (next_one,) = index.apply([RunUpdate(row("b"), samples=[drawn(2, 1)])])
    assert next_one.number == 4
    assert [sample.number for sample in index.samples()] == [4, 2]
    assert [sample.number for sample in index.samples(oldest_first=True, offset=1, limit=1)] == [4]
    assert index.samples(run_id="a") == []
    assert index.sample(1) is None


def test_a_rebuilt_index_gives_every_sample_the_number_it_had(index: RunIndex, tmp_path: Path) -> None:
    kept = RunUpdate(row("b"), samples=[drawn(1, 7), drawn(2, 8)])
    before = index.apply([RunUpdate(row("a"), samples=[drawn(1, 5)]), kept, RunUpdate(row("c"), samples=[drawn(1, 9)])])
    for run_id in ("a", "c"):
        index.delete_run(run_id)
    rebuilt = RunIndex(tmp_path / "new.sqlite3", tmp_path / "retired.json")
    assert rebuilt.apply([kept]) == [sample for sample in before if sample.run_id == "b"]
    (next_one,) = rebuilt.apply([RunUpdate(row("d"), samples=[drawn(1, 20)])])
    assert next_one.number == 5
    rebuilt.close()


def test_a_resumed_run_forgets_what_it_measured_beyond_its_backup(index: RunIndex) -> None:
    index.apply([RunUpdate(row(), points=[("loss", step, float(step)) for step in range(1, 6)])])
    index.apply([RunUpdate(row(), cut_after=2, points=[("loss", 3, 30.0)])])
    assert curves(index) == {"loss": [(1, 1.0), (2, 2.0), (3, 30.0)]}
    assert index.curves("a", ["other"]) == index.curves("b") == []


def test_a_value_measured_again_replaces_the_old_one(index: RunIndex) -> None:
    index.apply([RunUpdate(row(), points=[("loss", 1, 1.0), ("lr", 1, float("nan")), ("loss", 1, 2.0)])])
    assert curves(index) == {"loss": [(1, 2.0)], "lr": [(1, None)]}


def test_an_update_that_fails_leaves_nothing_behind(index: RunIndex) -> None:
    index.apply([RunUpdate(row("a", 1), samples=[drawn(1, 0)])])
    with pytest.raises(IntegrityError):
        index.apply([RunUpdate(row("a", 2), points=[("loss", 1, 1.0)], samples=[drawn(1, 0)])])
    assert index.runs() == [row("a", 1)]
    assert curves(index) == {}


def test_outputs_are_newest_first(index: RunIndex) -> None:
    saves = [Saved(seq=seq, time=NOW, path=f"save/{seq}", progress=Progress()) for seq in (1, 3)]
    backup = BackedUp(seq=2, time=NOW, path="backup/2", progress=Progress(global_step=2))
    index.apply([RunUpdate(row(), outputs=[saves[0], backup, saves[1]])])
    assert index.saves("a") == saves[::-1]
    assert index.backups("a") == [backup]


def test_marks_lead_to_a_place_before_an_event(index: RunIndex) -> None:
    index.apply([RunUpdate(row(), marks=[(1000, 111), (2000, 222)])])
    assert [index.offset_before("a", seq) for seq in (0, 999, 1000, 1999, 5000)] == [0, 0, 111, 111, 222]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    written=st.lists(
        st.tuples(st.integers(0, 5 * BLOCK_POINTS), st.integers(1, 2 * BLOCK_POINTS), st.booleans()), max_size=6
    )
)
def test_a_long_curve_is_the_one_that_was_written_however_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[int, int, bool]]
) -> None:
    """Against a dictionary: stretches of steps, some measured again, and some after going back to a backup."""
    folder = tmp_path_factory.mktemp("index")
    index = RunIndex(folder / "index.sqlite3", folder / "retired.json")
    expected: dict[int, float] = {}
    for number, (start, length, goes_back) in enumerate(written):
        if goes_back:
            expected = {step: value for step, value in expected.items() if step <= start}
        new = {step: float(step % 7 + number) for step in range(start + 1, start + 1 + length)}
        expected |= new
        points = [("loss", step, value) for step, value in new.items()]
        index.apply([RunUpdate(row(), cut_after=start if goes_back else None, points=points)])
    assert curves(index) == ({"loss": sorted(expected.items())} if written else {})
    index.close()


def test_a_long_curve_is_drawn_from_few_rows_and_points_and_keeps_its_peaks(index: RunIndex) -> None:
    length = 100 * BLOCK_POINTS
    values = [(step, 1000.0 if step == 54_321 else -5.0 if step == 70_000 else step % 10) for step in range(length)]
    for start in range(0, length, 10_000):
        points = [("loss", step, float(value)) for step, value in values[start : start + 10_000]]
        index.apply([RunUpdate(row(), points=points)])
    (curve,) = index.curves("a")
    assert (curve.num_blocks, curve.num_points) == (100, length)
    assert curve.num_loose < BLOCK_POINTS
    drawn = list(index.points(curve, at_least=500))
    assert 500 <= len(drawn) < 10 * 500
    assert {(54_321, 1000.0), (70_000, -5.0), values[0], values[-1]} <= set(drawn)


def test_samples_get_their_numbers_when_all_journals_are_read(index: RunIndex) -> None:
    assert index.apply([RunUpdate(row("b"), samples=[drawn(1, 9)])], is_complete=False) == []
    assert index.count_samples() == 0
    numbered = index.apply([RunUpdate(row("a"), samples=[drawn(1, 5)])])
    assert [(sample.number, sample.run_id) for sample in numbered] == [(1, "a"), (2, "b")]
    assert index.apply([RunUpdate(row("a", 1))]) == []
