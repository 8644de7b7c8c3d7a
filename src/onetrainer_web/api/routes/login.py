"""The login link: turns the token in an address, shown once on the server's terminal, into a cookie.

This is the one GET that leaves something behind: a cookie in the browser that opened the link, nothing on the server.
"""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onetrainer_web.api.dependencies import GuardDependency
from onetrainer_web.api.security import COOKIE, TokenMissingError

COOKIE_LIFETIME_S = 400 * 24 * 3600
"""The longest that browsers keep a cookie."""

router = APIRouter()


@router.get("/login", include_in_schema=False)
async def login(request: Request, guard: GuardDependency, token: str = "") -> Response:
    """Take a browser in that knows the token, and send it on to the page, so that the token leaves the address."""
    response = RedirectResponse("/", status_code=303)
    response.headers["Cache-Control"] = "no-store"
    if guard.asks_for_token:
        if not guard.is_token(token):
            raise TokenMissingError
        remember_token(request, response, token)
    return response


def remember_token(request: Request, response: Response, token: str) -> None:
    """Have the browser that asked keep the token as a cookie."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
