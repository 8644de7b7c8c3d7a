"""What routes are given: the parts of the application that their server has.

They are coroutines so that FastAPI calls them in place; plain functions would each cost a thread.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from onetrainer_web.api.security import Guard
from onetrainer_web.app.allowed_paths import AllowedPaths
from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.app.machine import Machine
from onetrainer_web.app.starting import Starting
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


async def _config_store(connection: HTTPConnection) -> ConfigStore:
    return connection.app.state.config_store


async def _starting(connection: HTTPConnection) -> Starting:
    return connection.app.state.starting


async def _machine(connection: HTTPConnection) -> Machine:
    return connection.app.state.machine


async def _allowed_paths(connection: HTTPConnection) -> AllowedPaths:
    return connection.app.state.allowed_paths


AllowedPathsDependency = Annotated[AllowedPaths, Depends(_allowed_paths)]
ConfigStoreDependency = Annotated[ConfigStore, Depends(_config_store)]
StartingDependency = Annotated[Starting, Depends(_starting)]
MachineDependency = Annotated[Machine, Depends(_machine)]
ServiceDependency = Annotated[RunService, Depends(_service)]
WorkspaceDependency = Annotated[Workspace, Depends(_workspace)]
SettingsDependency = Annotated[Settings, Depends(_settings)]
GuardDependency = Annotated[Guard, Depends(_guard)]
