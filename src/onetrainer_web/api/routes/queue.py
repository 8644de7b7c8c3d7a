"""The waiting runs: their order, and holding them back."""

from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import ServiceDependency
from onetrainer_web.api.routing import new_router
from onetrainer_web.runs.views import QueueView

router = new_router("/api/queue", "queue")


class QueueChange(BaseModel):
    """What to change about the queue; what is left out stays."""

    run_ids: list[str] | None = Field(
        default=None, max_length=10_000, description="Waiting runs to put first, in this order."
    )
    paused: bool | None = Field(default=None, description="Hold waiting runs back, or let them go on.")


@router.get("")
def get_queue(service: ServiceDependency) -> QueueView:
    """The waiting runs, next one first."""
    return service.queue()


@router.patch("")
def change_queue(service: ServiceDependency, change: QueueChange) -> QueueView:
    """Order the waiting runs, hold them back or let them go on; runs that are active are left alone."""
    if change.run_ids is not None:
        service.set_queue_order(change.run_ids)
    if change.paused is not None:
        service.set_queue_paused(change.paused)
    return service.queue()
