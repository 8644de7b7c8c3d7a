"""The points of curves: loose ones while they come, blocks of them later, each with thinned copies of itself.

A curve of millions of points is drawn from its thinned copies without reading it all, and is read whole block by block.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from onetrainer_web.storage.tables import blocks, curves, points

Point = tuple[int, float | None]
"""Step and value; no value where it was no finite number."""

CLOCK = "clock"
"""A curve beside those that were measured: when each step was done, in seconds since 1970."""

BLOCK_POINTS = 1024
_LEVELS = ((blocks.c.coarse, 256), (blocks.c.fine, 16), (blocks.c.whole, 1))
"""From how many points the smallest and the largest are kept."""


@dataclass(frozen=True, slots=True)
class StoredCurve:
    """A curve of a run."""

    id: int
    name: str
    num_blocks: int
    num_loose: int

    @property
    def num_points(self) -> int:
        """Points it has, those that were measured twice counted twice."""
        return self.num_blocks * BLOCK_POINTS + self.num_loose


def find_curves(connection: Connection, run_id: str, names: Sequence[str]) -> list[StoredCurve]:
    """The curves of a run by name; all that were measured when `names` is empty."""
    num_blocks = select(func.count()).select_from(blocks).where(blocks.c.curve_id == curves.c.id).scalar_subquery()
    num_loose = select(func.count()).select_from(points).where(points.c.curve_id == curves.c.id).scalar_subquery()
    query = select(curves.c.id, curves.c.name, num_blocks, num_loose).where(curves.c.run_id == run_id)
    query = query.where(curves.c.name.in_(names) if names else curves.c.name != CLOCK)
    return [StoredCurve(*row) for row in connection.execute(query.order_by(curves.c.name))]


def read_points(connection: Connection, curve: StoredCurve, at_least: int | None) -> Iterator[Point]:
    """The points of a curve by step; with `at_least`, no more than are needed to draw so many."""
    loose = _loose(connection, curve.id)
    wanted = curve.num_points if at_least is None else at_least
    # Of so many points two are left.
    level = next(level for level, group in _LEVELS if group == 1 or 2 * curve.num_points >= group * wanted)
    query = select(level).where(blocks.c.curve_id == curve.id).order_by(blocks.c.first)
    packed = connection.execute(query, execution_options={"yield_per": 16}).scalars()
    in_blocks = chain.from_iterable(map(_unpack, packed))
    last = connection.execute(select(func.max(blocks.c.last)).where(blocks.c.curve_id == curve.id)).scalar()
    if last is None or not loose or loose[0][0] > last:
        return chain(in_blocks, loose)
    newer = {step for step, _ in loose}  # measured again
    older = (point for point in in_blocks if point[0] not in newer)
    return merge(older, loose, key=lambda point: point[0])


def write_points(connection: Connection, run_id: str, written: Iterable[tuple[str, int, float | None]]) -> None:
    """Add points: name, step and value; one at a step that there is replaces it."""
    by_name: dict[str, dict[int, float | None]] = {}
    for name, step, value in written:
        by_name.setdefault(name, {})[step] = None if value is None or not math.isfinite(value) else value
    if not by_name:
        return
    connection.execute(
        upsert(curves).on_conflict_do_nothing(), [{"run_id": run_id, "name": name} for name in sorted(by_name)]
    )
    for curve in find_curves(connection, run_id, list(by_name)):
        new = by_name[curve.name]
        if curve.num_loose + len(new) >= BLOCK_POINTS:
            new = _fill_blocks(connection, curve.id, dict(_loose(connection, curve.id)) | new)
        _insert_loose(connection, curve.id, new)


def cut_points(connection: Connection, run_id: str, last_step: int) -> None:
    """Forget what was measured behind a step."""
    own = select(curves.c.id).where(curves.c.run_id == run_id)
    connection.execute(delete(points).where(points.c.curve_id.in_(own), points.c.step > last_step))
    ids = select(blocks.c.curve_id).where(blocks.c.curve_id.in_(own), blocks.c.last > last_step).distinct()
    for curve_id in connection.execute(ids).scalars().all():
        kept = dict(point for point in _take_blocks(connection, curve_id, last_step + 1) if point[0] <= last_step)
        loose = kept | dict(_loose(connection, curve_id))
        _insert_loose(connection, curve_id, _fill_blocks(connection, curve_id, loose))


def _fill_blocks(connection: Connection, curve_id: int, loose: Mapping[int, float | None]) -> dict[int, float | None]:
    """Put all loose points into blocks, but the last ones, which are given: they fill none yet."""
    if not loose:
        return {}
    merged = sorted((dict(_take_blocks(connection, curve_id, min(loose))) | dict(loose)).items())
    connection.execute(delete(points).where(points.c.curve_id == curve_id))
    num_full = len(merged) // BLOCK_POINTS * BLOCK_POINTS
    full = [merged[start : start + BLOCK_POINTS] for start in range(0, num_full, BLOCK_POINTS)]
    if full:
        connection.execute(insert(blocks), [_block(curve_id, chunk) for chunk in full])
    return dict(merged[num_full:])


def _take_blocks(connection: Connection, curve_id: int, first_step: int) -> list[Point]:
    """Take those blocks away that reach a step, and give their points."""
    reaching = (blocks.c.curve_id == curve_id, blocks.c.last >= first_step)
    packed = connection.execute(select(blocks.c.whole).where(*reaching).order_by(blocks.c.first)).scalars().all()
    if packed:
        connection.execute(delete(blocks).where(*reaching))
    return [point for whole in packed for point in _unpack(whole)]


def _insert_loose(connection: Connection, curve_id: int, loose: Mapping[int, float | None]) -> None:
    if loose:
        rows = [{"curve_id": curve_id, "step": step, "value": value} for step, value in loose.items()]
        connection.execute(insert(points).prefix_with("OR REPLACE"), rows)


def _loose(connection: Connection, curve_id: int) -> list[Point]:
    query = select(points.c.step, points.c.value).where(points.c.curve_id == curve_id).order_by(points.c.step)
    return [(step, value) for step, value in connection.execute(query)]


def _block(curve_id: int, chunk: Sequence[Point]) -> dict[str, Any]:
    copies = {level.name: _pack(_thinned(chunk, group)) for level, group in _LEVELS}
    return {"curve_id": curve_id, "first": chunk[0][0], "last": chunk[-1][0], **copies}


def _thinned(chunk: Sequence[Point], group: int) -> Sequence[Point]:
    """The first and the last point, and of each group the smallest and the largest."""
    if group == 1:
        return chunk
    kept = {0, len(chunk) - 1}
    for start in range(0, len(chunk), group):
        kept |= extremes(enumerate(chunk[start : start + group], start))
    return [chunk[index] for index in sorted(kept)]


def extremes(stretch: Iterable[tuple[int, Point]]) -> set[int]:
    """Where the smallest and the largest value of a stretch of points stand; nowhere, if none has a value."""
    valued = [(value, index) for index, (_, value) in stretch if value is not None]
    return {min(valued)[1], max(valued)[1]} if valued else set()


def _pack(chunk: Sequence[Point]) -> bytes:
    steps = array("q", [step for step, _ in chunk])
    return steps.tobytes() + array("d", [math.nan if value is None else value for _, value in chunk]).tobytes()


def _unpack(packed: bytes) -> Iterator[Point]:
    steps, values = array("q", packed[: len(packed) // 2]), array("d", packed[len(packed) // 2 :])
    return zip(steps, (None if math.isnan(value) else value for value in values), strict=True)
