"""Whether the server is up; answered without a token."""

import time
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from onetrainer_web import __version__
from onetrainer_web.api.routing import new_router

router = new_router("/api/health", "health")


class Health(BaseModel):
    """A sign of life."""

    status: Literal["ok"] = Field(default="ok", description="The server answers.")
    version: str = Field(description="Version of onetrainer-web.")
    uptime_s: float = Field(ge=0, description="Seconds since the server started.")


async def _started(connection: HTTPConnection) -> float:
    return connection.app.state.started


@router.get("")
async def get_health(started: Annotated[float, Depends(_started)]) -> Health:
    """A sign of life, for watchdogs."""
    return Health(version=__version__, uptime_s=time.monotonic() - started)
