"""How much memory trainings will hold, asked of a process of its own, since this one never loads torch."""

import hashlib
import re
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from pydantic import BaseModel, Field

from onetrainer_web.errors import InvalidConfigError, OneTrainerWebError, TrainerNotInstalledError
from onetrainer_web.protocol.estimates import Estimate, EstimateAnswer, EstimateQuestion, Switch
from onetrainer_web.system.environment import environment_of_children

_ERROR = re.compile(r"[\w.]+(Error|Exception): ")
"""How the line of a traceback begins that says what went wrong; torch writes pages behind it."""
NUM_KEPT = 32
"""Answers that are remembered."""
NUM_WAITING = 4
"""How many may wait at once: each keeps one of the server's threads."""


class EstimateFailedError(InvalidConfigError):
    """How much a training will hold could not be found out."""


class AnotherAskedError(OneTrainerWebError):
    """Somebody asked about another configuration before the answer was there."""

    status = 409

    def __init__(self) -> None:
        super().__init__("Another configuration was asked about meanwhile. Ask again when its answer is there.")


class ManyWaitError(OneTrainerWebError):
    """So many ask that the server would have no thread left for others."""

    status = 429

    def __init__(self) -> None:
        super().__init__(f"{NUM_WAITING} already wait for estimates. Ask again when one of them has its answer.")


class MemoryReport(BaseModel):
    """What a training will hold, and what would let it hold less."""

    estimate: Estimate = Field(description="What it holds as it is configured.")
    switches: list[Switch] = Field(description="What would need less, each alone; empty where nobody asked for it.")


class Estimates:
    """Reports, each made once; safe to use from any thread. Who asks about something else ends what is being made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._seats = threading.BoundedSemaphore(NUM_WAITING)
        self._process: subprocess.Popen[str] | None = None
        self._newest = ""
        self._known: OrderedDict[str, MemoryReport] = OrderedDict()

    def ask(self, question: EstimateQuestion) -> MemoryReport:
        """What a training will hold; takes seconds to minutes the first time.

        Raises:
            EstimateFailedError: It cannot be found out; the message says why.
            AnotherAskedError: Somebody else wanted to know something else.
            ManyWaitError: So many wait already.
        """
        digest = hashlib.sha256(question.model_dump_json().encode()).hexdigest()
        with self._lock:
            if report := self._known.get(digest):
                return report
        if not self._seats.acquire(blocking=False):
            raise ManyWaitError
        try:
            return self._find_out(question, digest)
        finally:
            self._seats.release()

    def _find_out(self, question: EstimateQuestion, digest: str) -> MemoryReport:
        with self._lock:
            if digest != self._newest:
                self._end()
            self._newest = digest
        with self._turn:  # who asks the same waits for the same
            with self._lock:
                if report := self._known.get(digest):
                    return report
            try:
                report = report_of(ask_estimator(question, lambda process: self._begin(process, digest)))
            except EstimateFailedError:
                if digest != self._newest:
                    raise AnotherAskedError from None
                raise
            with self._lock:
                self._known[digest] = report
                if len(self._known) > NUM_KEPT:
                    self._known.popitem(last=False)
            return report

    def close(self) -> None:
        """End what is being made."""
        with self._lock:
            self._newest = ""
            self._end()

    def _begin(self, process: "subprocess.Popen[str]", digest: str) -> None:
        with self._lock:
            self._process = process
            if digest != self._newest:
                self._end()

    def _end(self) -> None:
        if self._process:
            self._process.kill()


def ask_estimator(
    question: EstimateQuestion, begun: Callable[["subprocess.Popen[str]"], None] = lambda _: None
) -> Iterator[EstimateAnswer]:
    """The answers of a process that is started for one question, as they come.

    Args:
        question: Of one configuration.
        begun: Told of the process, to end it.

    Raises:
        TrainerNotInstalledError: There is nothing to ask.
        EstimateFailedError: It says why it cannot answer, or ends without having answered.
    """
    if find_spec("torch") is None:
        raise TrainerNotInstalledError
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "onetrainer_web.engine.estimator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            encoding="utf-8",
            env=environment_of_children(),
        )
        assert process.stdin
        assert process.stdout
        begun(process)
        with process:
            try:
                process.stdin.write(f"{question.model_dump_json()}\n")
                process.stdin.flush()
                for line in process.stdout:
                    answer = EstimateAnswer.model_validate_json(line)
                    if answer.error:
                        raise EstimateFailedError(answer.error)
                    yield answer
            except BrokenPipeError:
                pass  # its last words say why it ended
            except BaseException:  # nobody listens any more
                process.kill()
                raise
            process.wait()
        words.seek(0)
        if process.returncode > 0:
            errors = [line for line in words if _ERROR.match(line)]
            raise EstimateFailedError(f"The estimate failed: {errors[-1].strip() if errors else 'it said nothing'}")


def report_of(answers: Iterator[EstimateAnswer]) -> MemoryReport:
    """All answers together.

    Raises:
        EstimateFailedError: There is no estimate among them.
    """
    estimate: Estimate | None = None
    switches: list[Switch] = []
    for answer in answers:
        estimate = answer.estimate or estimate
        switches += [answer.switch] if answer.switch else []
    if estimate is None:
        raise EstimateFailedError("The estimate was ended before it was there.")
    return MemoryReport(estimate=estimate, switches=switches)
