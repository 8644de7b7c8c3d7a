"""Puts the server together."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute

from onetrainer_web import __version__
from onetrainer_web.api import stream
from onetrainer_web.api.body_limit import BodyLimitMiddleware
from onetrainer_web.api.compression import JsonCompressionMiddleware
from onetrainer_web.api.error_handler import install_error_handlers
from onetrainer_web.api.head import HeadMiddleware
from onetrainer_web.api.openapi import describe
from onetrainer_web.api.page import install_page
from onetrainer_web.api.routes import (
    access,
    config,
    config_import,
    datasets,
    folders,
    health,
    login,
    models,
    queue,
    run_outputs,
    runs,
    samples,
    secrets,
    system,
    tensorboard,
    training,
    views,
)
from onetrainer_web.api.routing import ERRORS
from onetrainer_web.api.security import Guard, SecurityMiddleware
from onetrainer_web.api.sessions import Sessions
from onetrainer_web.api.tokens import required_token
from onetrainer_web.app.allowed_paths import AllowedPaths
from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.app.doctor import examine
from onetrainer_web.app.estimates import Estimates
from onetrainer_web.app.examination import Examination
from onetrainer_web.app.machine import Machine
from onetrainer_web.app.saved_views import SavedViews
from onetrainer_web.app.starting import Starting
from onetrainer_web.app.tensorboard import TensorBoard
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings

ROUTERS = (
    training.router,
    config_import.router,
    config.router,
    samples.router,
    runs.router,
    run_outputs.router,
    queue.router,
    views.router,
    datasets.router,
    folders.router,
    models.router,
    system.router,
    tensorboard.router,
    access.router,
    secrets.router,
    health.router,
    stream.router,
    login.router,
)


def create_app(service: RunService, workspace: Workspace, settings: Settings) -> FastAPI:
    """The ASGI application.

    Args:
        service: The runs of the workspace; its owner starts it before the first request and closes it after the last.
        workspace: The workspace that is served.
        settings: Address, names and origins, for the checks.
    """
    app = FastAPI(
        title="OneTrainer Web",
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None,  # `describe` serves it
        docs_url=None,  # FastAPI's own would load its scripts from elsewhere
        redoc_url=None,
        responses=ERRORS,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    app.state.workspace = workspace
    app.state.settings = settings
    app.state.started = time.monotonic()
    app.state.allowed_paths = AllowedPaths(workspace, settings.allowed_roots)
    token = required_token(settings, workspace)
    app.state.tensorboard = TensorBoard(workspace.runs)
    open_folder = tensorboard.secret_folder(app.state.tensorboard)
    app.state.guard = Guard(settings, token, Sessions(workspace.sessions, token or ""), open_folder)
    app.state.examination = Examination(lambda: examine(workspace, service.launcher.onetrainer))
    app.state.estimates = Estimates()
    app.state.machine = Machine(workspace, service)
    app.state.saved_views = SavedViews(workspace.views)
    app.state.streams = stream.Streams(service, app.state.machine)
    app.state.config_store = ConfigStore(workspace, app.state.allowed_paths)
    app.state.starting = Starting(service, app.state.config_store)
    for router in ROUTERS:
        app.include_router(router)
    install_error_handlers(app)
    # The middleware that is added last runs first.
    app.add_middleware(JsonCompressionMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(BodyLimitMiddleware)
    install_page(app)
    app.add_middleware(SecurityMiddleware, guard=app.state.guard)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag"],
        )
    describe(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    publishing = asyncio.create_task(app.state.streams.publish_resources())
    yield {}
    publishing.cancel()
    with suppress(asyncio.CancelledError):
        await publishing
    app.state.estimates.close()
    await run_in_threadpool(app.state.tensorboard.stop)
