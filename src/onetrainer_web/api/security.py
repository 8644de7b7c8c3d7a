"""Who may speak to the server: the checks that stand before every route.

- Host: only names the server is known by, so that a foreign page cannot reach it by DNS rebinding.
- Origin and Sec-Fetch-Site: a page elsewhere may neither ask nor change anything, unless its origin is allowed.
- Token: asked for on every address but loopback; programs send it, browsers the cookie of a login that it gave.
"""

import logging
import secrets
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from onetrainer_web.api.sessions import Sessions
from onetrainer_web.api.tokens import TokenTooWeakError, is_strong
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.settings import Settings, is_loopback_host

LOGGER = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/api/health"})
"""Answered without a token: it says no more than that the server is up."""
INERT = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""Content-Security-Policy of all that is not the page: whatever people or runs brought, it acts as no page of ours."""
FROM_PROXIES = ("forwarded", "x-forwarded-", "x-real-ip", "via")
"""How the names of headers begin that proxies add."""
OPEN_TO_THE_MACHINE = (
    "A proxy passes requests on to this server, which asks nobody for a token: whoever reaches the proxy may do "
    "everything. Start the server with ONETRAINER_WEB_TOKEN."
)


class HostRefusedError(OneTrainerWebError):
    """The request names a host that is not this server."""

    status = 403

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This server does not go by the name {host!r}. "
            "If it should, start it with that name in ONETRAINER_WEB_ALLOWED_HOSTS."
        )


class OriginRefusedError(OneTrainerWebError):
    """A web page elsewhere tries to ask or to act."""

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
            "This server asks for its access token. Open its login link, http://HOST:PORT/login?token=TOKEN, "
            "or send the header 'Authorization: Bearer TOKEN'; the token stands in the workspace's file 'token'."
        )


class Guard:
    """Decides whether a request may pass."""

    def __init__(self, settings: Settings, token: str | None, sessions: Sessions, open_folder: str = "") -> None:
        """Prepare the checks.

        Args:
            settings: Address to listen on, further hosts and origins.
            token: What to ask for; None asks for nothing, which is for loopback alone.
            sessions: The logins that the token has given.
            open_folder: A secret path; what is asked below it may be asked by whoever knows it.

        Raises:
            TokenTooWeakError: Others can reach the server, and the token would not keep them out.
        """
        if not settings.is_loopback and not is_strong(token or ""):
            raise TokenTooWeakError
        self._token = token
        self.sessions = sessions
        self._open_folder = open_folder
        self.is_proxied = False
        """Whether a proxy has passed a request on."""
        self._takes_any_address = not settings.is_loopback
        self._origins = frozenset(settings.allowed_origins)
        own = () if settings.is_loopback else (socket.gethostname(), f"{socket.gethostname()}.local")
        self._names = frozenset(name.lower() for name in (settings.host, *own, *settings.allowed_hosts))

    @property
    def asks_for_token(self) -> bool:
        """Whether requests need the token."""
        return self._token is not None

    @property
    def is_open_through_a_proxy(self) -> bool:
        """Whether a proxy lets in whoever reaches it."""
        return self.is_proxied and not self.asks_for_token

    def accept_only(self, token: str) -> None:
        """Ask for another token from now on; what the old one has given ends."""
        self._token = token
        self.sessions.end_all(token)

    def check(self, scope: Scope) -> None:
        """Let the request of an ASGI scope pass.

        Raises:
            HostRefusedError: It names a foreign host.
            OriginRefusedError: A foreign page asks, or would act.
            TokenMissingError: It needs the token and does not carry it.
        """
        headers = Headers(scope=scope)
        self._notice_proxy(headers)
        host = headers.get("host", "")
        if not self._is_known_host(host):
            raise HostRefusedError(host)
        if self._open_folder and scope["type"] == "http" and scope["path"].startswith(self._open_folder):
            return
        if (page := self._foreign_page(scope, headers, host)) is not None:
            raise OriginRefusedError(page)
        if self._token is not None and _needs_token(scope) and not self._is_logged_in(scope, headers):
            raise TokenMissingError

    def is_token(self, presented: str) -> bool:
        """Whether `presented` is the token; takes the same time for every wrong guess."""
        return bool(self._token) and secrets.compare_digest(presented.encode(), self._token.encode())

    def session_of(self, scope: Scope) -> str | None:
        """The id of the open login that a request carries."""
        ids = _cookies_named(cookie_name(scope), Headers(scope=scope))
        return next(filter(self.sessions.holds, ids), None)

    def _is_logged_in(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(value.strip())
        return self.session_of(scope) is not None

    def _notice_proxy(self, headers: Headers) -> None:
        if not self.is_proxied and any(name.startswith(FROM_PROXIES) for name in headers):
            self.is_proxied = True
            if self.is_open_through_a_proxy:
                LOGGER.warning(OPEN_TO_THE_MACHINE)

    def _foreign_page(self, scope: Scope, headers: Headers, host: str) -> str | None:
        """The page elsewhere that a request comes from and that may not make it; None when there is none.

        A link to this server's own page may be followed from anywhere.
        """
        acts = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if not acts and not is_private(scope["path"]):
            return None
        origin = headers.get("origin")
        if origin is not None:
            return None if self._is_known_origin(origin, host) else origin
        site = headers.get("sec-fetch-site", "")
        return f"a {site} address" if site in ("cross-site", "same-site") else None

    def _is_known_host(self, host: str) -> bool:
        name = _split_host(host)[0]
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


def is_private(path: str) -> bool:
    """Whether what lies at a path belongs to the workspace; the page itself holds nothing of it."""
    return path.startswith("/api/") or path == "/openapi.json"


def _needs_token(scope: Scope) -> bool:
    if scope["type"] == "websocket":
        return True
    return is_private(scope["path"]) and scope["path"] not in OPEN_PATHS and scope["method"] != "OPTIONS"


def cookie_name(scope: Scope) -> str:
    """What the cookie of a login is called: browsers share cookies among all ports of a host, so it says which."""
    port = _split_host(Headers(scope=scope).get("host", ""))[1] or scope["server"][1]
    return f"onetrainer_web_{port}"


def _cookies_named(name: str, headers: Headers) -> Iterator[str]:
    """Values of the cookies of one name. Whatever other programs of the host keep beside them is passed over."""
    for cookie in headers.get("cookie", "").split(";"):
        key, _, value = cookie.partition("=")
        if key.strip() == name:
            yield value.strip()


def _split_host(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; no name when it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class SecurityMiddleware:
    """Refuses what the guard refuses, and tells browsers to guess, embed and keep nothing."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                if is_private(scope["path"]):
                    headers.setdefault("Cache-Control", "no-store")
                    headers.setdefault("Content-Security-Policy", INERT)
            await send(message)

        try:
            self._guard.check(scope)
        except OneTrainerWebError as error:
            return await _refuse(error, scope, receive, send_with_headers)
        await self._app(scope, receive, send_with_headers)


async def _refuse(error: OneTrainerWebError, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    response = JSONResponse({"detail": str(error)}, status_code=error.status, headers=headers)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
