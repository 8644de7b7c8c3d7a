"""What listeners get, over /ws as over /api/events: the models that are published and that OpenAPI describes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from onetrainer_web.protocol.events import Scalar
from onetrainer_web.runs.views import QueueView, RunView, SampleView, TrainingState
from onetrainer_web.system.machine import Resources


class ConnectedMessage(BaseModel):
    """The first message on every connection: how training stands."""

    type: Literal["connected"] = "connected"
    data: TrainingState = Field(description="How training stands.")


class PongMessage(BaseModel):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"


class TrainingStateMessage(BaseModel):
    """Training went on, began or ended; at most ten a second, and the last one always comes."""

    type: Literal["training_state"] = "training_state"
    data: TrainingState = Field(description="How training stands.")


class SampleCount(BaseModel):
    """How many pictures a round of sampling gave."""

    sample_count: int = Field(ge=0, description="Pictures written.")


class SampleCounter(BaseModel):
    """How far a round of sampling is."""

    current: int = Field(ge=0, description="Pictures done.")
    total: int = Field(ge=0, description="Pictures asked for.")


class SampleDefaultMessage(BaseModel):
    """The configuration's own samples are drawn."""

    type: Literal["sample_default"] = "sample_default"
    data: SampleCount = Field(description="How many.")


class SampleDefaultProgressMessage(BaseModel):
    """The configuration's own samples are being drawn."""

    type: Literal["sample_default_progress"] = "sample_default_progress"
    data: SampleCounter = Field(description="How far.")


class SampleCustomMessage(BaseModel):
    """Custom samples are drawn."""

    type: Literal["sample_custom"] = "sample_custom"
    data: SampleCount = Field(description="How many.")


class SampleCustomProgressMessage(BaseModel):
    """Custom samples are being drawn."""

    type: Literal["sample_custom_progress"] = "sample_custom_progress"
    data: SampleCounter = Field(description="How far.")


class StepMetrics(BaseModel):
    """What was measured at one step."""

    global_step: int = Field(ge=0, description="The step.")
    time: datetime = Field(description="When, UTC.")
    values: dict[str, Scalar] = Field(description="OneTrainer's TensorBoard tag → value.")


class MetricsData(BaseModel):
    """New points of the curves of one run."""

    run_id: str = Field(description="The run.")
    points: list[StepMetrics] = Field(description="By step.")


class MetricsMessage(BaseModel):
    """Topic metrics: losses, learning rates and other curves went on."""

    type: Literal["metrics"] = "metrics"
    data: MetricsData = Field(description="The new points.")


class LogData(BaseModel):
    """New text in the log of one run."""

    run_id: str = Field(description="The run.")
    offset: int = Field(ge=0, description="Where the text starts in the log, in bytes.")
    text: str = Field(description="The text.")


class LogMessage(BaseModel):
    """Topic log: a trainer wrote something."""

    type: Literal["log"] = "log"
    data: LogData = Field(description="The text.")


class RunMessage(BaseModel):
    """Topic runs: a run was made or changed."""

    type: Literal["run"] = "run"
    data: RunView = Field(description="The run.")


class DeletedRunData(BaseModel):
    """Which run is gone."""

    run_id: str = Field(description="The run.")


class RunDeletedMessage(BaseModel):
    """Topic runs: a run was deleted."""

    type: Literal["run_deleted"] = "run_deleted"
    data: DeletedRunData = Field(description="The run.")


class QueueMessage(BaseModel):
    """Topic runs: the queue changed."""

    type: Literal["queue"] = "queue"
    data: QueueView = Field(description="The queue.")


class SampleMessage(BaseModel):
    """Topic samples: a sample picture was written."""

    type: Literal["sample"] = "sample"
    data: SampleView = Field(description="The sample.")


class ResourcesMessage(BaseModel):
    """Topic system: load of the machine, every two seconds."""

    type: Literal["resources"] = "resources"
    data: Resources = Field(description="As GET /api/system/resources gives it.")


Published = (
    TrainingStateMessage
    | SampleDefaultMessage
    | SampleDefaultProgressMessage
    | SampleCustomMessage
    | SampleCustomProgressMessage
    | MetricsMessage
    | LogMessage
    | RunMessage
    | RunDeletedMessage
    | QueueMessage
    | SampleMessage
    | ResourcesMessage
)
"""What happens, told to all that listen."""
StreamMessage = Annotated[ConnectedMessage | PongMessage | Published, Field(discriminator="type")]
STREAM_MESSAGE: TypeAdapter[StreamMessage] = TypeAdapter(StreamMessage)


def message_schemas() -> dict[str, Any]:
    """JSON schemas of all messages by name, for the OpenAPI document; `StreamMessage` is their union."""
    schema = STREAM_MESSAGE.json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    named = schema.pop("$defs")
    return named | {"StreamMessage": schema | {"description": "What /ws and /api/events send."}}
