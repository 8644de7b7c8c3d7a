"""The web page, when it was built into the package; else a few lines that say the API is up."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

PAGE_FOLDER = Path(__file__).parent.parent / "page"
API_PATHS = frozenset({"/api", "/openapi.json", "/login"})
"""Addresses of the server itself, besides those below /api/."""
COMPRESSED = ".gz"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page loads nothing from elsewhere, and nobody may frame it."""

WITHOUT_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>OneTrainer Web</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>OneTrainer Web</h1>
<p>The API is up. The web page is not part of this installation.</p>
<p>Every endpoint stands in <a href="/openapi.json">openapi.json</a>;
how training stands, in <a href="/api/training/status">/api/training/status</a>.</p>
</html>
"""


class _Files(StaticFiles):
    """The page's files, with what browsers should know about them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(self._best_copy(path, Headers(scope=scope)), scope)
        if isinstance(response, FileResponse) and str(response.path).endswith(COMPRESSED):
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        if isinstance(response, FileResponse) and response.media_type == "text/html":
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Cache-Control"] = "no-cache"
        elif path.startswith("assets/"):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"  # their names carry a hash
        return response

    def _best_copy(self, path: str, asked: Headers) -> str:
        """The compressed copy that the build wrote, for those who take it whole."""
        is_taken = "gzip" in asked.get("accept-encoding", "") and "range" not in asked
        return path + COMPRESSED if is_taken and self.lookup_path(path + COMPRESSED)[1] else path


class PageMiddleware:
    """Answers what is not the API's: files of the page, and its one index.html for every view a browser asks for."""

    def __init__(self, app: ASGIApp, folder: Path = PAGE_FOLDER) -> None:
        self._app = app
        self._folder = folder
        self._files = _Files(directory=folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        file = self._file_for(scope) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        if file is None:
            return await self._app(scope, receive, send)
        response = await self._files.get_response(file, scope)
        await response(scope, receive, send)

    def _file_for(self, scope: Scope) -> str | None:
        path: str = scope["path"]
        if path in API_PATHS or path.startswith("/api/"):
            return None
        relative = path.lstrip("/")
        if relative and self._is_there(relative):
            return relative if (self._folder / relative).is_file() else None
        is_view = path == "/" or "text/html" in Headers(scope=scope).get("accept", "")
        return "index.html" if is_view else None

    def _is_there(self, relative: str) -> bool:
        try:
            return self._files.lookup_path(relative)[1] is not None
        except (OSError, ValueError):  # too long, or with a character that no file name has
            return False


def install_page(app: FastAPI, folder: Path = PAGE_FOLDER) -> None:
    """Serve the page of `folder` at /."""
    if (folder / "index.html").is_file():
        app.add_middleware(PageMiddleware, folder=folder)
        return

    @app.get("/", include_in_schema=False)
    async def tell_that_the_api_is_up() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        return HTMLResponse(WITHOUT_PAGE, headers={"Content-Security-Policy": POLICY})
