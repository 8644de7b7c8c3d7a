"""Who may reach this server and what it may read: told, since it is decided where the server is started."""

from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import GuardDependency, SettingsDependency, WorkspaceDependency
from onetrainer_web.api.routes.login import remember_token
from onetrainer_web.api.routing import new_router
from onetrainer_web.api.security import replace_token
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
    allowed_hosts: list[str] = Field(description="Further names it may be called by.")
    allowed_origins: list[str] = Field(description="Pages elsewhere that may use the API.")
    workspace: str = Field(description="Its workspace.")
    allowed_roots: list[str] = Field(description="Folders besides the workspace that may be read; none means all.")


class NewToken(BaseModel):
    """A token that was just made; it is told this once."""

    token: str = Field(description="What programs send as `Authorization: Bearer TOKEN`.")
    login_path: str = Field(description="Opened on this server, it logs a browser in.")


@router.get("")
def get_access(settings: SettingsDependency, workspace: WorkspaceDependency) -> Access:
    """Who may reach this server and what it may read; secrets are not told."""
    return Access(
        host=settings.host,
        port=settings.port,
        token="settings" if settings.token else "none" if settings.is_loopback else "workspace",
        allowed_hosts=settings.allowed_hosts,
        allowed_origins=settings.allowed_origins,
        workspace=str(workspace.folder),
        allowed_roots=[str(root.expanduser().resolve()) for root in settings.allowed_roots],
    )


@router.post("/token")
def renew_token(
    request: Request,
    response: Response,
    guard: GuardDependency,
    settings: SettingsDependency,
    workspace: WorkspaceDependency,
) -> NewToken:
    """Replace the workspace's token: whoever held the old one is out, the browser that asks stays in."""
    if settings.token:
        raise TokenFixedError("the server was started with one. Change ONETRAINER_WEB_TOKEN and start it again.")
    if not guard.asks_for_token:
        raise TokenFixedError("on loopback none is asked for.")
    token = replace_token(workspace.token)
    guard.accept_only(token)
    remember_token(request, response, token)
    return NewToken(token=token, login_path=f"/login?token={token}")
