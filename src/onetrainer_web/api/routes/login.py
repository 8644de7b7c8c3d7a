"""The login link: turns the token in an address, shown once on the server's terminal, into a cookie.

This is the one GET that leaves something behind: a login, which is one of a bounded number, and the browser's cookie.
"""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from onetrainer_web.api.dependencies import GuardDependency
from onetrainer_web.api.security import Guard, TokenMissingError, cookie_name
from onetrainer_web.api.sessions import LIFETIME_S

router = APIRouter()


@router.get("/login", include_in_schema=False)
async def login(request: Request, guard: GuardDependency, token: str = "") -> Response:
    """Take a browser in that knows the token, and send it on to the page, so that the token leaves the address."""
    response = RedirectResponse("/", status_code=303)
    response.headers["Cache-Control"] = "no-store"
    if guard.asks_for_token:
        if not guard.is_token(token):
            raise TokenMissingError
        if guard.session_of(request.scope) is None:
            await run_in_threadpool(log_in, guard, request, response)
    return response


def log_in(guard: Guard, request: Request, response: Response) -> None:
    """Open a login for the browser that asked, and have it keep the cookie."""
    response.set_cookie(
        cookie_name(request.scope),
        guard.sessions.open(),
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
