"""When a training will be through: reckoned by hand, with a clock that the tests set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onetrainer_web.config.enums import TimeUnit
from onetrainer_web.config.recurring import Doing
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import Event, Progress, Recurring
from onetrainer_web.protocol.pace import Durations, Pace

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLES = Recurring(doing=Doing.SAMPLING, every=1, unit=TimeUnit.EPOCH, from_start=True, at_end=True)


class Story:
    """Events at seconds after midnight, and what is reckoned from them."""

    def __init__(self) -> None:
        self.pace = Pace()

    def at(self, second: float, kind: type[Event], /, **values: Any) -> None:
        self.pace.add(kind(time=MIDNIGHT + timedelta(seconds=second), **values))

    def start(self, second: float, max_step: int, max_epoch: int = 1, *recurring: Recurring, done: int = 0) -> None:
        self.at(second, happened.Started, pid=1)
        progress = Progress(global_step=done)
        self.at(
            second,
            happened.Planned,
            max_step=max_step,
            max_epoch=max_epoch,
            recurring=list(recurring),
            progress=progress,
        )

    def turn(self, second: float, doing: Doing, current: int | None = None, total: int | None = None) -> None:
        self.at(second, happened.Activity, doing=doing, current=current, total=total)

    def step(self, second: float, done: int) -> None:
        self.at(second, happened.Step, progress=Progress(global_step=done))

    @property
    def end_s(self) -> float | None:
        return _seconds(self.pace.expected_end)

    @property
    def work_end_s(self) -> float | None:
        return _seconds(self.pace.work_end)


def _seconds(moment: datetime | None) -> float | None:
    return (moment - MIDNIGHT).total_seconds() if moment else None


def trained(*recurring: Recurring, max_step: int = 100, max_epoch: int = 1) -> Story:
    """Begun at second 0, with steps of two seconds: step 3 is done at second 8."""
    story = Story()
    story.start(0, max_step, max_epoch, *recurring)
    story.turn(0, Doing.TRAINING)
    for second, done in ((4, 1), (6, 2), (8, 3)):
        story.step(second, done)
    return story


def test_steps_are_counted_without_the_first_which_warms_up() -> None:
    story = Story()
    story.start(0, 10)
    story.turn(5, Doing.TRAINING)
    story.step(45, 1)
    assert story.end_s is None
    story.step(47, 2)
    story.step(49, 3)
    assert story.end_s == 49 + 7 * 2
    assert story.pace.steps_per_s == 0.5


def test_samples_of_every_epoch_are_counted_by_what_the_first_ones_took() -> None:
    story = Story()
    story.start(0, 8, 4, SAMPLES)
    story.turn(10, Doing.SAMPLING)
    story.turn(16, Doing.TRAINING)
    story.step(20, 1)
    story.step(22, 2)
    # Six steps; samples in front of the epochs 1, 2 and 3, and at the end.
    assert story.end_s == 22 + 6 * 2 + 4 * 6
    story.turn(22, Doing.SAMPLING)
    assert story.end_s == 58
    story.turn(30, Doing.TRAINING)  # they took eight seconds: seven on average
    assert story.end_s == 30 + 6 * 2 + 3 * 7
    for second, done in ((32, 3), (34, 4)):
        story.step(second, done)
    assert story.end_s == 34 + 4 * 2 + 3 * 7


def test_behind_the_last_step_only_the_work_at_the_end_is_left() -> None:
    story = Story()
    story.start(0, 4, 1, SAMPLES, Recurring(doing=Doing.SAVING, at_end=True))
    story.turn(0, Doing.SAMPLING)
    story.turn(5, Doing.TRAINING)
    for second, done in ((6, 1), (7, 2), (8, 3), (9, 4)):
        story.step(second, done)
    assert story.end_s == 9 + 5
    story.turn(9, Doing.SAMPLING)
    assert story.end_s == 14
    story.turn(15, Doing.SAVING)
    assert story.end_s == 15


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        ({"every": 10, "unit": "STEP"}, 9),  # 10, 20 … 90
        ({"every": 3, "unit": "STEP"}, 33),  # 3, which is due now, 6 … 99
        ({"every": 3, "unit": "STEP", "skip": 50}, 17),  # 51 … 99
        ({"every": 10, "unit": "STEP", "at_end": True}, 10),
        ({"every": 2, "unit": "EPOCH"}, 2),  # in front of the epochs 2 and 4 of five
        ({"every": 2, "unit": "EPOCH", "skip": 3}, 1),
        ({"every": 7, "unit": "ALWAYS", "skip": 50}, 97),
        ({"every": 0, "unit": "STEP"}, 0),
        ({"unit": "NEVER"}, 0),
        ({"unit": "NEVER", "at_end": True}, 1),
    ],
)
def test_how_often_work_is_still_due(rule: dict[str, Any], times: int) -> None:
    story = trained(Recurring(doing=Doing.BACKING_UP, **rule), max_epoch=5)
    story.pace.work[Doing.BACKING_UP] = story.pace.step.model_copy(update={"seconds": 5.0, "weight": 1.0})
    assert story.end_s == 8 + 97 * 2 + times * 5


def test_epochs_to_come_are_as_long_as_they_are_now() -> None:
    story = trained(Recurring(doing=Doing.BACKING_UP, every=1, unit=TimeUnit.EPOCH), max_step=40, max_epoch=10)
    story.pace.work[Doing.BACKING_UP] = story.pace.step.model_copy(update={"seconds": 5.0, "weight": 1.0})
    # Half of the epochs had four steps; of the next, which now have eight, two steps are done.
    stand = Progress(epoch=5, epoch_step=2, global_step=22)
    story.at(100, happened.Planned, max_step=60, max_epoch=10, recurring=story.pace.recurring, progress=stand)
    story.turn(100, Doing.TRAINING)
    assert story.end_s == 100 + 38 * 2 + 4 * 5, "in front of the epochs 6 to 9"


def test_work_by_the_clock_takes_its_share_of_all_the_time_that_is_left() -> None:
    story = trained(Recurring(doing=Doing.BACKING_UP, every=1, unit=TimeUnit.MINUTE))
    story.turn(8, Doing.BACKING_UP)
    story.turn(14, Doing.TRAINING)
    # 194 seconds of steps are nine tenths of what is left: a tenth goes into six seconds every minute.
    assert story.end_s == pytest.approx(14 + 194 / 0.9)
    story.pace.work[Doing.BACKING_UP].seconds = 60
    assert story.end_s is None


def test_encoding_is_counted_by_its_own_pace() -> None:
    story = Story()
    story.at(0, happened.Started, pid=1)
    story.turn(1, Doing.LOADING)
    assert story.work_end_s is None
    story.turn(10, Doing.ENCODING_PICTURES, 0, 50)
    assert story.work_end_s is None
    story.turn(20, Doing.ENCODING_PICTURES, 10, 50)
    assert story.work_end_s == 60
    assert story.end_s is None  # no step has been measured yet


def test_a_resumed_run_knows_its_steps_while_it_encodes() -> None:
    story = trained()
    story.start(1000, 100, done=3)
    assert story.end_s is None
    story.turn(1010, Doing.ENCODING_PICTURES, 0, 20)
    story.turn(1020, Doing.ENCODING_PICTURES, 5, 20)
    assert story.end_s == 1050 + 97 * 2
    story.turn(1050, Doing.TRAINING)
    story.step(1090, 4)  # warms up
    assert story.end_s == 1090 + 96 * 2


def test_onetrainer_s_way_of_working_is_measured_too() -> None:
    """It counts the steps of each sample, and measures the validation loss within a training step."""
    validation = Recurring(doing=Doing.VALIDATING, every=2, unit=TimeUnit.STEP, from_start=True)
    story = Story()
    story.start(0, 10, 1, Recurring(doing=Doing.SAMPLING, every=5, unit=TimeUnit.STEP, from_start=True), validation)
    story.turn(0, Doing.SAMPLING)
    story.turn(1, Doing.DENOISING, 1, 20)
    story.turn(9, Doing.DENOISING, 17, 20)
    assert story.work_end_s == 9 + 3 * 0.5
    story.turn(12, Doing.TRAINING)
    story.turn(14, Doing.VALIDATING)
    story.step(17, 1)
    story.turn(17, Doing.TRAINING)
    story.step(19, 2)
    assert story.pace.steps_per_s == 0.5
    # Eight steps, samples once more in front of step 6, the loss within the steps 3, 5, 7 and 9.
    assert story.end_s == 19 + 8 * 2 + 12 + 4 * 3


EARLIER = Durations(
    run_id="earlier", step_s=2, work_s={Doing.SAMPLING: 30, Doing.SAVING: 1}, part_s={Doing.ENCODING_PICTURES: 0.5}
)


def test_what_was_not_measured_yet_is_reckoned_by_an_earlier_run() -> None:
    story = Story()
    story.pace.earlier = EARLIER
    story.at(0, happened.Started, pid=1)
    story.turn(1, Doing.LOADING)
    assert (story.end_s, story.pace.expected_from) == (None, None)
    recurring = [SAMPLES, Recurring(doing=Doing.SAVING, at_end=True)]
    story.at(5, happened.Estimated, max_step=100, max_epoch=1, recurring=recurring)
    story.turn(6, Doing.ENCODING_PICTURES, 0, 40)
    after_encoding = 100 * 2 + 2 * 30 + 1
    assert (story.end_s, story.pace.expected_from) == (6 + 40 * 0.5 + after_encoding, "earlier")
    assert story.work_end_s is None
    story.turn(16, Doing.ENCODING_PICTURES, 10, 40)
    assert story.end_s == 16 + 30 * 1 + after_encoding, "its own pace counts as soon as it is known"
    story.at(46, happened.Planned, max_step=100, max_epoch=1, recurring=recurring)
    story.turn(46, Doing.SAMPLING)
    story.turn(56, Doing.TRAINING)
    assert story.end_s == 56 + 100 * 2 + 10 + 1
    story.step(60, 1)
    story.step(63, 2)
    assert story.end_s == 63 + 98 * 3 + 10 + 1
    assert story.pace.expected_from is None, "a second of saving is not worth a word"


def test_a_run_says_so_as_long_as_much_of_it_is_reckoned_by_an_earlier_one() -> None:
    story = trained(Recurring(doing=Doing.SAMPLING, every=50, unit=TimeUnit.STEP))
    assert story.pace.expected_from is None
    story.pace.earlier = EARLIER
    assert (story.end_s, story.pace.expected_from) == (8 + 97 * 2 + 30, "earlier")
    by_the_clock = trained(Recurring(doing=Doing.SAMPLING, every=1, unit=TimeUnit.MINUTE))
    by_the_clock.pace.earlier = EARLIER
    assert by_the_clock.end_s == 8 + 97 * 2 * 2, "every minute half a minute"
    assert by_the_clock.pace.expected_from == "earlier"


def test_several_devices_are_held_against_as_many_times_one() -> None:
    story = Story()
    story.start(0, 100)
    story.turn(1, Doing.TRAINING)
    for second, done in ((2, 2), (5, 4), (8, 6)):  # two steps in three seconds
        story.step(second, done)
    assert story.pace.steps_per_s == pytest.approx(2 / 3)
    assert story.end_s == pytest.approx(8 + 94 * 1.5)
    assert story.pace.share_of_ideal is None
    story.pace.earlier = Durations.on_several(None, EARLIER, 2)
    assert story.pace.earlier == EARLIER.model_copy(update={"step_s": 1, "ideal_step_s": 1})
    assert story.pace.share_of_ideal == pytest.approx(1 / 1.5)
    assert Durations.on_several(EARLIER, None, 2) == EARLIER
    known = Durations.on_several(EARLIER.model_copy(update={"step_s": 1.5}), EARLIER, 4)
    assert known == EARLIER.model_copy(update={"step_s": 1.5, "ideal_step_s": 0.5})


def test_a_run_leaves_what_it_measured_to_others() -> None:
    story = Story()
    story.start(0, 10, 1, SAMPLES)
    assert story.pace.durations("a") is None
    for second, current in ((1, 0), (5, 8), (9, 16)):
        story.turn(second, Doing.ENCODING_PICTURES, current, 20)
    story.turn(10, Doing.SAMPLING)
    story.turn(17, Doing.TRAINING)
    for second, done in ((20, 1), (22, 2), (24, 3)):
        story.step(second, done)
    found = story.pace.durations("a")
    assert found == Durations(run_id="a", step_s=2, work_s={Doing.SAMPLING: 7}, part_s={Doing.ENCODING_PICTURES: 0.5})


def test_what_comes_between_epochs_is_known_when_it_comes_again() -> None:
    """OneTrainer does not count what it encodes there."""
    story = Story()
    story.start(0, 100)
    story.turn(0, Doing.CACHING)
    assert story.end_s is None
    story.turn(20, Doing.TRAINING)
    for second, done in ((24, 1), (26, 2)):
        story.step(second, done)
    story.turn(26, Doing.CACHING)
    assert story.end_s == 26 + 20 + 98 * 2
    story.turn(30, Doing.OTHER)
    assert story.end_s is None


def test_a_resumed_run_may_be_longer_than_it_was() -> None:
    story = trained(max_step=3)
    story.at(1000, happened.Started, pid=1)
    story.turn(1000, Doing.READING_PICTURES, 0, 20)
    story.turn(1010, Doing.READING_PICTURES, 10, 20)
    assert story.end_s is None
    story.at(1020, happened.Estimated, max_step=50, max_epoch=1, progress=Progress(global_step=3))
    story.turn(1020, Doing.ENCODING_PICTURES, 0, 20)
    story.turn(1030, Doing.ENCODING_PICTURES, 10, 20)
    assert story.end_s == 1040 + 47 * 2


def test_samples_that_somebody_asked_for_are_no_measure_of_the_list() -> None:
    story = trained(SAMPLES)
    story.turn(8, Doing.SAMPLING)
    story.at(9, happened.SampleProgress, kind="custom", current=1, total=4)
    story.at(11, happened.SampleProgress, kind="custom", current=2, total=4)
    assert story.work_end_s == 15
    story.at(15, happened.SamplesDone, kind="custom", sample_count=4)
    story.turn(15, Doing.TRAINING)
    assert story.end_s == 15 + 97 * 2
