"""Who may reach this server and what it may read: told, since it is decided where the server is started."""

from typing import Literal

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import GuardDependency, SettingsDependency, WorkspaceDependency
from onetrainer_web.api.routes.login import log_in
from onetrainer_web.api.routing import Answer, new_router
from onetrainer_web.api.security import cookie_name
from onetrainer_web.api.stream import StreamsDependency
from onetrainer_web.api.tokens import replace_token
from onetrainer_web.errors import InvalidRequestError

router = new_router("/api/access", "access")


class TokenFixedError(InvalidRequestError):
    """The token is not the workspace's to replace."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"There is no token to replace: {reason}")


class Access(BaseModel):
    """Who may reach this server and what it may read."""

    host: str = Field(description="Address it listens on.")
    port: int = Field(description="Port it listens on.")
    token: Literal["none", "workspace", "settings"] = Field(
        description="none: loopback asks for no token. workspace: asks for that of the workspace's file `token`. "
        "settings: asks for the one it was started with."
    )
    num_logins: int = Field(ge=0, description="Browsers that are logged in.")
    is_open_through_a_proxy: bool = Field(
        description="Whether a proxy passes requests on while nobody is asked for a token: it lets everybody in."
    )
    allowed_hosts: list[str] = Field(description="Further names it may be called by.")
    allowed_origins: list[str] = Field(description="Pages elsewhere that may use the API.")
    workspace: str = Field(description="Its workspace.")
    allowed_roots: list[str] = Field(description="Folders besides the workspace that may be read; none means all.")


class NewToken(BaseModel):
    """A token that was just made; it is told this once."""

    token: str = Field(description="What programs send as `Authorization: Bearer TOKEN`.")
    login_path: str = Field(description="Opened on this server, it logs a browser in.")


@router.get("")
def get_access(settings: SettingsDependency, workspace: WorkspaceDependency, guard: GuardDependency) -> Access:
    """Who may reach this server and what it may read; secrets are not told."""
    return Access(
        host=settings.host,
        port=settings.port,
        token="settings" if settings.token else "none" if settings.is_loopback else "workspace",
        num_logins=len(guard.sessions),
        is_open_through_a_proxy=guard.is_open_through_a_proxy,
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        workspace=str(workspace.folder),
        allowed_roots=[str(root.expanduser().resolve()) for root in settings.allowed_roots],
    )


@router.post("/token")
async def renew_token(
    request: Request,
    response: Response,
    guard: GuardDependency,
    settings: SettingsDependency,
    workspace: WorkspaceDependency,
    streams: StreamsDependency,
) -> NewToken:
    """Replace the workspace's token: whoever held the old one is out, the browser that asks stays in."""
    if settings.token:
        raise TokenFixedError("the server was started with one. Change ONETRAINER_WEB_TOKEN and start it again.")
    if not guard.asks_for_token:
        raise TokenFixedError("on loopback none is asked for.")

    def renew() -> str:
        token = replace_token(workspace.token)
        guard.accept_only(token)
        log_in(guard, request, response)
        return token

    token = await run_in_threadpool(renew)
    streams.end_all()
    return NewToken(token=token, login_path=f"/login?token={token}")


@router.post("/login")
async def log_in_browser(request: Request, response: Response, guard: GuardDependency) -> Answer:
    """Log the browser in that sends the token: from now on its cookie will do."""
    if guard.asks_for_token and guard.session_of(request.scope) is None:
        await run_in_threadpool(log_in, guard, request, response)
    return Answer(message="Logged in")


@router.delete("/login")
async def log_out(request: Request, response: Response, guard: GuardDependency, streams: StreamsDependency) -> Answer:
    """Log the browser that asks out."""
    if session := guard.session_of(request.scope):
        await run_in_threadpool(guard.sessions.end, session)
        streams.end_all()
    response.delete_cookie(cookie_name(request.scope), httponly=True, samesite="strict")
    return Answer(message="Logged out")


@router.delete("/logins")
async def log_out_everywhere(guard: GuardDependency, streams: StreamsDependency) -> Answer:
    """Log every browser out, the one that asks too; the token stays good."""
    num_logins = len(guard.sessions)
    await run_in_threadpool(guard.sessions.end_all)
    streams.end_all()
    return Answer(message=f"{num_logins} logged out")
