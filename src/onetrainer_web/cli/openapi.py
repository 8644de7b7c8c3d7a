"""The OpenAPI document without a running server."""

import json
import tempfile
from pathlib import Path

from onetrainer_web.api.app import create_app
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


def document_text() -> str:
    """The document as the file openapi.json holds it."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        service = RunService(workspace)
        try:
            app = create_app(service, workspace, Settings(host="127.0.0.1", token=None))
            return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
        finally:
            service.close()
