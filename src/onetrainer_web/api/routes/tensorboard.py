"""TensorBoard over all runs: started, stopped, and shown through this server, so that it asks for the same token."""

import http.client
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from onetrainer_web.api.routing import NOT_FOUND, NOT_INSTALLED, new_router
from onetrainer_web.errors import NotFoundError
from onetrainer_web.runs.tensorboard import HOST, TensorBoard

PAGE = "/api/tensorboard/page/"
PATIENCE_S = 120
PASSED_ON = ("accept", "accept-encoding", "content-type")
PASSED_BACK = ("content-type", "content-encoding", "content-security-policy", "cache-control")

router = new_router("/api/tensorboard", "tensorboard")


class TensorBoardAwayError(NotFoundError):
    """TensorBoard is asked while it does not run."""

    def __init__(self) -> None:
        super().__init__("TensorBoard is not running. Start it with POST /api/tensorboard/start.")


class TensorBoardState(BaseModel):
    """Whether TensorBoard runs."""

    is_running: bool = Field(description="Whether it can be opened.")
    path: str = Field(default=PAGE, description="Where it is shown on this server while it runs.")


async def _tensorboard(connection: HTTPConnection) -> TensorBoard:
    return connection.app.state.tensorboard


TensorBoardDependency = Annotated[TensorBoard, Depends(_tensorboard)]


@router.get("")
def get_tensorboard(tensorboard: TensorBoardDependency) -> TensorBoardState:
    """Whether TensorBoard runs."""
    return TensorBoardState(is_running=tensorboard.port is not None)


@router.post("/start", responses=NOT_INSTALLED)
def start_tensorboard(tensorboard: TensorBoardDependency) -> TensorBoardState:
    """Start TensorBoard and wait until it answers."""
    tensorboard.start()
    return TensorBoardState(is_running=True)


@router.post("/stop")
def stop_tensorboard(tensorboard: TensorBoardDependency) -> TensorBoardState:
    """End TensorBoard; it also ends with the server."""
    tensorboard.stop()
    return TensorBoardState(is_running=False)


@router.api_route("/page/{path:path}", methods=["GET", "POST"], include_in_schema=False, responses=NOT_FOUND)
async def show_tensorboard(request: Request, tensorboard: TensorBoardDependency, path: str) -> Response:
    """Pass a request on to TensorBoard."""
    port = tensorboard.port
    if port is None:
        raise TensorBoardAwayError
    body = await request.body()
    return await run_in_threadpool(_ask, request, port, path, body)


def _ask(request: Request, port: int, path: str, body: bytes) -> Response:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    target = request.scope["raw_path"].decode().removeprefix(PAGE) if "raw_path" in request.scope else path
    try:
        connection.request(request.method, f"/{target}?{request.url.query}", body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:  # it was stopped meanwhile
        raise TensorBoardAwayError from error
    finally:
        connection.close()
    passed_back = {name: value for name in PASSED_BACK if (value := answer.getheader(name)) is not None}
    return Response(content, answer.status, passed_back)
