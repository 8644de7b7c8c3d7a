"""What routes are given: the run service, the workspace and the settings of their server.

They are coroutines so that FastAPI calls them in place; plain functions would each cost a thread.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from onetrainer_web.api.allowed_paths import AllowedPaths
from onetrainer_web.api.security import Guard
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


async def _service(connection: HTTPConnection) -> RunService:
    return connection.app.state.service


async def _workspace(connection: HTTPConnection) -> Workspace:
    return connection.app.state.workspace


async def _settings(connection: HTTPConnection) -> Settings:
    return connection.app.state.settings


async def _guard(connection: HTTPConnection) -> Guard:
    return connection.app.state.guard


async def _allowed_paths(connection: HTTPConnection) -> AllowedPaths:
    return connection.app.state.allowed_paths


AllowedPathsDependency = Annotated[AllowedPaths, Depends(_allowed_paths)]
ServiceDependency = Annotated[RunService, Depends(_service)]
WorkspaceDependency = Annotated[Workspace, Depends(_workspace)]
SettingsDependency = Annotated[Settings, Depends(_settings)]
GuardDependency = Annotated[Guard, Depends(_guard)]
