"""The kind of router every route file uses: JSON bodies are read strictly and errors are documented."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.params import Path
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic_core import from_json

from onetrainer_web.config.text import find_refused, find_refused_in_line


class ErrorResponse(BaseModel):
    """What every endpoint answers when something went wrong."""

    detail: str = Field(description="What went wrong and what to do, in one line.")


NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorResponse, "description": "It does not exist."}}
NOT_INSTALLED: dict[int | str, dict[str, Any]] = {
    501: {"model": ErrorResponse, "description": "The trainer is not installed; `detail` says what to install."}
}
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The request cannot be carried out as asked."},
    "default": {"model": ErrorResponse, "description": "Any other error."},
}

RunId = Annotated[
    str,
    Path(
        description="Folder name of the run.", max_length=255, pattern=r"^[\w.-]+$", examples=["20260101-120000-1a2b"]
    ),
]


class Answer(BaseModel):
    """What an accepted command answers."""

    success: Literal[True] = Field(default=True, description="Always true; what fails answers with an error.")
    message: str = Field(description="What was done.")


class _StrictRequest(Request):
    async def json(self) -> Any:
        """The body; the standard library would let through depths and lone surrogates that nothing behind bears."""
        body = await self.body()
        try:
            value = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(400, f"The body is no JSON that can be read: {error}.") from error
        # Bare, they are no JSON; only an escape brings them in.
        if (b"\\u00" in body or b"\x7f" in body) and (code := find_refused(value)):
            raise HTTPException(400, f"The body holds the character {code}, which is no text.")
        return value


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            if code := find_refused_in_line(request.url.path + unquote_plus(request.url.query)):
                raise HTTPException(400, f"The address holds the character {code}, which no name or search can.")
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


def new_router(prefix: str, tag: str) -> APIRouter:
    """A router for the endpoints below `prefix`."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=_StrictRoute)
