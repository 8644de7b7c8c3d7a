"""What a shell and a server ask alike before anything is started: can this be done here, and who does it."""

from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.config.files import ReadResult, config_to_dict
from onetrainer_web.protocol.tasks import Engine, Task, TrainTask
from onetrainer_web.runs.launcher import Launcher


def judge(
    read: ReadResult,
    configs: ConfigStore,
    launcher: Launcher,
    task: type[Task] = TrainTask,
    asked: Engine | None = None,
) -> Engine:
    """Choose who does what a configuration asks for, once nothing stands in its way.

    Args:
        read: The configuration, and what of it was not understood.
        configs: Knows what may be read and what can be started.
        launcher: Knows who there is.
        task: What is to be done with it.
        asked: Who shall do it; None leaves the choice.

    Raises:
        InvalidConfigError: Says everything that keeps it from being trained here.
        PathRefusedError: It names what may not be read.
        EngineCannotSampleError: OneTrainer is asked to draw only.
    """
    engine = launcher.choose_engine(read.config, asked, task)
    if task.is_training:
        configs.check_startable(read, engine)
    configs.check_paths(config_to_dict(read.config))
    return engine
