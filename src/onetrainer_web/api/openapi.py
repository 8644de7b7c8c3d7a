"""The OpenAPI document: FastAPI's, with the stream's messages and the token added."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi as collect_openapi
from fastapi.responses import JSONResponse, Response

from onetrainer_web.runs.messages import message_schemas

DESCRIPTION = """\
Train diffusion models. Everything the web page can do, a script can do with these endpoints.

Errors are always `{"detail": "<one string>"}`. Times are UTC.

**WebSocket** `/ws`: sends `connected`, then a `StreamMessage` whenever something happens; `ping` gets a `pong`.
`/ws?topics=metrics,log,runs,samples,system` adds more than training. `/api/events` sends the same over plain HTTP.

On any address but loopback, requests need the token of the server: `Authorization: Bearer TOKEN`, or the cookie that
the login link sets.
"""
TAGS = {
    "training": "The run that is active now.",
    "config": "Configurations in OneTrainer's format.",
    "samples": "Sample pictures.",
    "runs": "All runs: made, told, followed, deleted.",
    "queue": "The waiting runs.",
    "datasets": "Folders of training pictures in the workspace.",
    "folders": "Folders of the machine, to find training pictures in.",
    "system": "The machine.",
    "tensorboard": "TensorBoard over all runs.",
    "access": "Who may reach this server and what it may read.",
    "secrets": "Access data; they can be set but never read.",
    "health": "Whether the server is up.",
    "stream": "What happens, as it happens.",
}


def describe(app: FastAPI) -> None:
    """Have `app` serve the completed document at /openapi.json."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document

    @app.get("/openapi.json", include_in_schema=False)
    def get_openapi() -> Response:  # pyright: ignore[reportUnusedFunction]
        # FastAPI's own route makes the document in the event loop, where the first request would hold up all others.
        return JSONResponse(app.openapi())


def _document(app: FastAPI) -> dict[str, Any]:
    document = collect_openapi(
        title=app.title,
        version=app.version,
        summary="Train diffusion models from a browser, a script or a shell.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    components = document["components"]
    components["schemas"] = dict(sorted((message_schemas() | components["schemas"]).items()))
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{}, {"token": []}]
    return document
