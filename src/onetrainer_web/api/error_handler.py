"""Turns every failure into the contract's form: {"detail": "<one sentence>"}, and what an error tells besides."""

import errno
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from onetrainer_web.errors import OneTrainerWebError

MAX_PROBLEMS = 10
"""Of a request with more mistakes than these, only the first ones are told."""


def install_error_handlers(app: FastAPI) -> None:
    """Make `app` answer every failure in the contract's form."""
    app.add_exception_handler(OneTrainerWebError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _file)
    app.add_exception_handler(Exception, _bug)


def _answer(
    status: int, detail: str, headers: Mapping[str, str] | None = None, details: Mapping[str, Any] | None = None
) -> JSONResponse:
    # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
    sendable = detail.encode(errors="replace").decode()
    return JSONResponse({"detail": sendable, **(details or {})}, status_code=status, headers=dict(headers or {}))


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OneTrainerWebError)
    return _answer(error.status, str(error), error.headers, error.details)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    detail = describe_problems(error.errors())
    # What curl and forms send when nobody says otherwise is not read as JSON.
    if isinstance(error.body, bytes) and "json" not in request.headers.get("content-type", ""):
        detail = "The body is not marked as JSON. Send the header 'Content-Type: application/json'."
    return _answer(400, detail)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """Errors of the framework: unknown paths, wrong methods, bodies that are too large."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            slash = " A name in an address cannot hold a slash." if b"%2f" in request.scope["raw_path"].lower() else ""
            detail = f"There is nothing at {request.url.path}.{slash} GET /openapi.json names every endpoint."
        case 405:
            detail = f"{request.url.path} does not take {request.method}. GET /openapi.json names what it takes."
        case _:
            detail = str(error.detail)
    status = 400 if error.status_code in (413, 415, 422) else error.status_code
    return _answer(status, detail, error.headers)


async def _file(_: Request, error: Exception) -> JSONResponse:
    """What the system says of a file: a name that is too long is the request's."""
    if getattr(error, "errno", None) == errno.ENAMETOOLONG:
        return _answer(400, "The request holds a name that is longer than a file's can be.")
    raise error


async def _bug(_: Request, error: Exception) -> JSONResponse:
    """A disk that cannot be written or a mistake of ours; the error is raised again behind this, for the log."""
    if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error):  # the latter says SQLite
        return _answer(507, "The server's disk is full. Free some space, then try again.")
    if getattr(error, "errno", None) == errno.EROFS:
        return _answer(507, "The server's disk is read-only. Make it writable, then try again.")
    return _answer(500, "The server made a mistake; its log holds the details. Please report it.")


def describe_problems(problems: Sequence[Any]) -> str:
    """One line that names each field with what is wrong about it."""
    told = [_describe(problem) for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "") + "."


def _describe(problem: Any) -> str:
    location = [str(part) for part in problem["loc"]]
    if location and location[0] in ("body", "query", "path", "header", "cookie"):
        location = location[1:] or [location[0]]
    return f"{'.'.join(location)}: {problem['msg']}"
