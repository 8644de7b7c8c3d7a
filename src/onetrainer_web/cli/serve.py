"""Runs the server: the run service, the application on top, and the network below."""

import gc
import socket
import sys

import typer

from onetrainer_web.api.app import create_app
from onetrainer_web.api.connections import raise_file_limit
from onetrainer_web.api.serving import Server, server_config
from onetrainer_web.api.tokens import check_token, read_or_make_token
from onetrainer_web.app.allowed_paths import AllowedPaths
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


def run_server(settings: Settings) -> None:
    """Serve until told to end.

    Raises:
        TokenTooWeakError: Others can reach the server, and its token would not keep them out.
        WorkspaceBusyError: Another server serves this workspace.
    """
    check_token(settings)
    raise_file_limit()
    workspace = Workspace(settings.workspace)
    workspace.create()
    allowed = AllowedPaths(workspace, settings.allowed_roots)
    launcher = Launcher(onetrainer=settings.onetrainer, check_paths=allowed.check, default_engine=settings.engine)
    address = f"http://{settings.host}:{settings.port}"
    service = RunService(workspace, launcher, address, settings.on_end)
    try:
        service.start()
        _show_login_link(settings, workspace)
        app = create_app(service, workspace, settings)
        gc.freeze()
        gc.enable()
        Server(server_config(app, settings.host, settings.port), app.state.streams).run()
    finally:
        service.close()


def _show_login_link(settings: Settings, workspace: Workspace) -> None:
    if settings.is_loopback or settings.token is not None:
        return
    token, is_new = read_or_make_token(workspace.token)
    if is_new:
        typer.echo(
            "This link logs a browser in. It is shown this once; the token stays in the workspace's file 'token'."
        )
        typer.echo(f"    http://{_reachable_address(settings.host)}:{settings.port}/login?token={token}")
        sys.stdout.flush()


def _reachable_address(host: str) -> str:
    """The address others reach this machine by, where `host` means all of them."""
    if host not in ("0.0.0.0", "::", ""):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation; connecting a datagram socket sends nothing
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
