"""Attacks use the fixtures of the server's tests: real services, real trainers' stand-ins, and the application."""

from tests.server.api.conftest import address, app, client, serve_app, training_config
from tests.server.conftest import is_gone, kill, open_service, service, start, start_server, wait_until, workspace

__all__ = [
    "address",
    "app",
    "client",
    "is_gone",
    "kill",
    "open_service",
    "serve_app",
    "service",
    "start",
    "start_server",
    "training_config",
    "wait_until",
    "workspace",
]
