"""Who may speak to the server: the checks that stand before every route.

- Host: only names the server is known by, so that a foreign page cannot reach it by DNS rebinding.
- Origin: a page elsewhere may neither change anything nor open a WebSocket, unless its origin is allowed.
- Token: asked for on every address but loopback, by the login link's cookie or as a bearer.
"""

import os
import secrets
import socket
from http.cookies import SimpleCookie
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from onetrainer_web.config.atomic import replacing_file
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.settings import Settings, is_loopback_host

COOKIE = "onetrainer_web_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/api/health"})
"""Answered without a token: it says no more than that the server is up."""


class HostRefusedError(OneTrainerWebError):
    """The request names a host that is not this server."""

    status = 403

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This server does not go by the name {host!r}. "
            "If it should, start it with that name in ONETRAINER_WEB_ALLOWED_HOSTS."
        )


class OriginRefusedError(OneTrainerWebError):
    """A web page elsewhere tries to act."""

    status = 403

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"Pages of {origin!r} may not use this server. "
            "If they should, start it with that origin in ONETRAINER_WEB_ALLOWED_ORIGINS."
        )


class TokenMissingError(OneTrainerWebError):
    """The request carries no token, or a wrong one."""

    status = 401

    def __init__(self) -> None:
        super().__init__(
            "This server asks for its access token. Open the login link it showed at its first start, "
            "or send the header 'Authorization: Bearer TOKEN'; the token stands in the workspace's file 'token'."
        )


def read_or_make_token(path: Path) -> tuple[str, bool]:
    """The workspace's token, made when it has none, readable by its owner alone.

    Returns:
        The token, and whether it is new.
    """
    token = secrets.token_urlsafe(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip(), False
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token, True


def replace_token(path: Path) -> str:
    """A new token for the workspace, readable by its owner alone; the old one is gone."""
    token = secrets.token_urlsafe(32)
    with replacing_file(path, mode=0o600, is_durable=True) as file:
        file.write(f"{token}\n".encode())
    return token


class Guard:
    """Decides whether a request may pass."""

    def __init__(self, settings: Settings, token: str | None) -> None:
        """Prepare the checks.

        Args:
            settings: Address to listen on, further hosts and origins.
            token: What to ask for; None asks for nothing.
        """
        self._token = token.encode() if token else None
        self._takes_any_address = not settings.is_loopback
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.allowed_origins)
        own = () if settings.is_loopback else (socket.gethostname(), f"{socket.gethostname()}.local")
        self._names = frozenset(name.lower() for name in (settings.host, *own, *settings.allowed_hosts))

    @property
    def asks_for_token(self) -> bool:
        """Whether requests need the token."""
        return self._token is not None

    def accept_only(self, token: str) -> None:
        """Ask for another token from now on."""
        self._token = token.encode()

    def check(self, scope: Scope) -> None:
        """Let the request of an ASGI scope pass.

        Raises:
            HostRefusedError: It names a foreign host.
            OriginRefusedError: A foreign page would act.
            TokenMissingError: It needs the token and does not carry it.
        """
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_known_host(host):
            raise HostRefusedError(host)
        origin = headers.get("origin")
        acts = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if acts and origin is not None and not self._is_known_origin(origin, host):
            raise OriginRefusedError(origin)
        if self._token and _is_protected(scope) and not self.is_token(_presented_token(headers)):
            raise TokenMissingError

    def is_token(self, presented: str) -> bool:
        """Whether `presented` is the token; takes the same time for every wrong guess."""
        return self._token is not None and secrets.compare_digest(presented.encode(), self._token)

    def _is_known_host(self, host: str) -> bool:
        name = _without_port(host)
        if is_loopback_host(name) or name in self._names:
            return True
        # A name can be made to point here by whoever owns it; an address cannot.
        return self._takes_any_address and _is_address(name)

    def _is_known_origin(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        if origin in self._origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc == host.lower()


def _is_protected(scope: Scope) -> bool:
    path = scope["path"]
    if scope["type"] == "websocket":
        return True
    needs_token = path.startswith("/api/") or path == "/openapi.json"  # the page itself holds nothing private
    return needs_token and path not in OPEN_PATHS and scope["method"] != "OPTIONS"


def _presented_token(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    return morsel.value if morsel else ""


def _without_port(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class SecurityMiddleware:
    """Refuses what the guard refuses, and tells browsers to guess and embed nothing."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        try:
            self._guard.check(scope)
        except OneTrainerWebError as error:
            return await _refuse(error, scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _refuse(error: OneTrainerWebError, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    response = JSONResponse({"detail": str(error)}, status_code=error.status, headers=headers)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
