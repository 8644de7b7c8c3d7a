"""TensorBoard over all runs: started, stopped, and shown through this server, so that it asks for the same token.

Its page runs in a sandbox, as if it came from nowhere: a script in it has no part in the API. Such a page sends no
cookie and counts as foreign, so it lies below a secret address, which alone lets its requests through. Whoever may ask
this server is sent on to that address.
"""

import base64
import hashlib
import http.client
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from onetrainer_web.api.routing import NOT_FOUND, NOT_INSTALLED, new_router
from onetrainer_web.app.tensorboard import HOST, SECRET_HEADER, TensorBoard
from onetrainer_web.errors import NotFoundError

PAGE = "/api/tensorboard/page/"
PATIENCE_S = 120
PASSED_ON = ("accept", "content-type")
PASSED_BACK = ("content-type", "content-encoding", "content-security-policy", "cache-control")
SANDBOX = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
FOR_A_PAGE_FROM_NOWHERE = {
    "Access-Control-Allow-Origin": "null",
    "Access-Control-Allow-Headers": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
STAND_INS = """
for (const name of ["localStorage", "sessionStorage"]) {
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, String(value)),
    removeItem: (key) => kept.delete(key),
    clear: () => kept.clear(),
  };
  Object.defineProperty(window, name, { value: storage });
}
Object.defineProperty(document, "cookie", { value: "", writable: true });
window.Worker = class extends Worker {
  constructor(address) {
    const script = `importScripts(${JSON.stringify(new URL(address, document.baseURI).href)})`;
    super(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  }
};
"""
"""What a page in a sandbox lacks and TensorBoard's does not work without: storage and cookies, which it has while it is
open, and workers, whose scripts a page from nowhere may only load from within."""
STAND_INS_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(STAND_INS.encode()).digest()).decode()}'"

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


def secret_folder(tensorboard: TensorBoard) -> str:
    """Path below which TensorBoard's own page lies, with its data."""
    return f"{PAGE}{tensorboard.secret}/"


@router.api_route("/page/{path:path}", methods=["GET", "POST", "OPTIONS"], include_in_schema=False, responses=NOT_FOUND)
async def show_tensorboard(request: Request, tensorboard: TensorBoardDependency) -> Response:
    """Pass a request on to TensorBoard, or send whoever may ask to its secret address."""
    port = tensorboard.port
    if port is None:
        raise TensorBoardAwayError
    folder = secret_folder(tensorboard)
    address = f"{request.url.path}?{request.url.query}"
    if not address.startswith(folder):
        return RedirectResponse(folder + address.removeprefix(PAGE))
    if request.method == "OPTIONS":
        return Response(headers=FOR_A_PAGE_FROM_NOWHERE)
    body = await request.body()
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    headers[SECRET_HEADER] = tensorboard.secret
    return await run_in_threadpool(_ask, request.method, port, address.removeprefix(folder), headers, body)


def _ask(method: str, port: int, target: str, headers: dict[str, str], body: bytes) -> Response:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    try:
        connection.request(method, f"/{target}", body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:  # it was stopped meanwhile
        raise TensorBoardAwayError from error
    finally:
        connection.close()
    passed_back = {name: value for name in PASSED_BACK if (value := answer.getheader(name)) is not None}
    own = passed_back.get("content-security-policy", "").replace("script-src ", f"script-src {STAND_INS_HASH} ")
    passed_back["content-security-policy"] = f"{SANDBOX}; worker-src blob:;{own}"
    if passed_back.get("content-type", "").startswith("text/html"):
        content = content.replace(b"<head>", f"<head><script>{STAND_INS}</script>".encode(), 1)
    return Response(content, answer.status, passed_back | FOR_A_PAGE_FROM_NOWHERE)
