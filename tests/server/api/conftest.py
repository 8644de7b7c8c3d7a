"""The application over a service whose trainer is the stand-in: asked without a network, or really served."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from onetrainer_web.api.app import create_app
from onetrainer_web.api.serving import Server, server_config
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


@pytest.fixture
def app(service: RunService, workspace: Workspace) -> FastAPI:
    """The application on loopback, over a service whose trainer is the stand-in."""
    return create_app(service, workspace, Settings(host="127.0.0.1"))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Asks the application without a network."""
    with TestClient(app, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
def serve_app() -> Iterator[Callable[[FastAPI], str]]:
    """Serves an application on a free port of loopback, and gives its address."""
    running: list[tuple[Server, threading.Thread]] = []

    def serve_one(app: FastAPI) -> str:
        server = Server(server_config(app, "127.0.0.1", 0), app.state.streams)
        thread = threading.Thread(target=server.run, daemon=True)
        running.append((server, thread))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    yield serve_one
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.fixture
def address(app: FastAPI, serve_app: Callable[[FastAPI], str]) -> str:
    """Address of the application, served."""
    return serve_app(app)


@pytest.fixture
def training_config(workspace: Workspace) -> dict[str, Any]:
    """A configuration that may be started: it has pictures. The stand-in then trains until it is stopped."""
    pictures = workspace.datasets / "squares"
    pictures.mkdir()
    for number, colour in enumerate(("red", "green", "blue", "white")):
        Image.new("RGB", (64, 64), colour).save(pictures / f"{number}.png")
        (pictures / f"{number}.txt").write_text(f"a {colour} square")
    return {
        "base_model_name": EMBEDDED_MODEL_NAME,
        "train_device": "cpu",
        "train_dtype": "FLOAT_32",
        "resolution": "64",
        "output_model_destination": "models/squares.safetensors",
        "concepts": [{"name": "squares", "path": "datasets/squares"}],
    }
