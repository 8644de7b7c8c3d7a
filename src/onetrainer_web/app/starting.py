"""How a run comes to be: what was asked for is read and judged, somebody to do it is chosen, and it is made."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.app.judging import judge
from onetrainer_web.app.requests import MAX_NAME_LENGTH, NewRun, NewTraining, NewVariants, RunSource
from onetrainer_web.config.files import Note, ReadResult
from onetrainer_web.config.variants import variants_of
from onetrainer_web.protocol.run_folder import RunRequest
from onetrainer_web.protocol.tasks import TASKS, Engine, Task, TrainTask
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView


class CreatedRun(RunView):
    """A run that was made."""

    notes: list[Note] = Field(description="What of the configuration was not understood or converted.")


class CreatedVariants(BaseModel):
    """Runs that were made."""

    runs: list[RunView] = Field(description="In the order in which they wait.")
    notes: list[Note] = Field(description="What of the configuration was not understood, converted, or left out.")


class Starting:
    """What makes runs on a server: each of its methods makes all that it was asked for, or nothing."""

    def __init__(self, service: RunService, configs: ConfigStore) -> None:
        self._service = service
        self._configs = configs

    def start(self, wanted: NewTraining) -> tuple[ReadResult, Sequence[str]]:
        """Start a training now; its configuration becomes the one being edited.

        Returns:
            The configuration, and what should be told about where it came from.

        Raises:
            OneTrainerWebError: As with `ConfigStore.read_source`, `judge` and `RunService.start_training`.
        """
        read, remarks = self._configs.read_source(wanted)
        engine = self._judge(read, wanted.engine)
        with self._configs.replacing_current(read.config):
            self._service.start_training(read.config, engine=engine)
        return read, remarks

    def enqueue(self, wanted: NewRun) -> CreatedRun:
        """Make a run and put it at the end of the queue.

        Raises:
            OneTrainerWebError: As with `ConfigStore.read_source`, `judge` and `RunService.create`.
        """
        task = TASKS[wanted.kind]
        read, asked = self._read(wanted)
        engine = self._judge(read, asked, task)
        [run] = self._service.create([RunRequest(task.of(read.config), wanted.name, engine, wanted.parent)])
        return CreatedRun(**dict(run), notes=read.notes)

    def enqueue_variants(self, wanted: NewVariants) -> CreatedVariants:
        """Make a run of every combination of some settings' values and put them at the end of the queue.

        Raises:
            OneTrainerWebError: As with `enqueue`, of any of them.
        """
        read, asked = self._read(wanted)
        variants, notes = variants_of(read.config, wanted.vary)
        requests: list[RunRequest] = []
        for title, config in variants:
            engine = self._judge(read.model_copy(update={"config": config}), asked)
            name = ", ".join(filter(None, (wanted.name, title)))[:MAX_NAME_LENGTH]
            requests.append(RunRequest(TrainTask.of(config), name, engine, wanted.parent))
        return CreatedVariants(runs=self._service.create(requests), notes=[*read.notes, *notes])

    def _read(self, wanted: RunSource) -> tuple[ReadResult, Engine | None]:
        """The configuration that is asked for, or that of the parent, and who was asked to train it."""
        if wanted.parent and wanted.config_path is None and wanted.config_dict is None:
            record = self._service.record(wanted.parent)
            return self._configs.read_sent(record.task.config), wanted.engine or record.engine
        return self._configs.read_source(wanted)[0], wanted.engine

    def _judge(self, read: ReadResult, asked: Engine | None, task: type[Task] = TrainTask) -> Engine:
        return judge(read, self._configs, self._service.launcher, task, asked)
