"""The page beside the API, and what a bug of ours looks like from outside."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from onetrainer_web.api.error_handler import install_error_handlers
from onetrainer_web.api.page import install_page

BROWSER = {"Accept": "text/html,*/*"}


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>page</h1>")
    (folder / "assets" / "index-1a2b.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)

    @app.get("/api/fine")
    def fine() -> str:
        return "fine"

    @app.get("/api/bug")
    def bug() -> str:
        raise RuntimeError("inner workings")

    install_page(app, folder)
    return TestClient(app, raise_server_exceptions=False)


def test_every_view_is_the_one_page(page: TestClient) -> None:
    for path in ("/", "/runs/20260101-120000-1a2b"):
        response = page.get(path, headers=BROWSER)
        assert response.text == "<h1>page</h1>"
        assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "immutable" in page.get("/assets/index-1a2b.js").headers["cache-control"]


def test_scripts_are_sent_compressed_to_those_who_take_it(page: TestClient, tmp_path: Path) -> None:
    script = "let word = 'word';" * 1000
    file = tmp_path / "page" / "assets" / "index-1a2b.js"
    file.write_text(script)
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(script.encode()))
    compressed, plain, part = (
        page.get("/assets/index-1a2b.js", headers=headers)
        for headers in ({}, {"Accept-Encoding": "identity"}, {"Range": "bytes=0-2"})
    )
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.headers["content-type"] == plain.headers["content-type"]
    assert int(compressed.headers["content-length"]) == file.with_name(f"{file.name}.gz").stat().st_size
    assert compressed.text == plain.text == script
    assert "content-encoding" not in {**plain.headers, **part.headers}
    assert part.text == "let"


def test_the_api_is_not_hidden_by_the_page(page: TestClient) -> None:
    assert page.get("/api/fine", headers=BROWSER).json() == "fine"
    assert page.get("/api/nowhere", headers=BROWSER).status_code == 404
    assert page.post("/api/fine", headers=BROWSER).status_code == 405
    assert page.get("/nowhere").status_code == 404


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"]
)
def test_files_outside_the_page_are_out_of_reach(page: TestClient, path: str) -> None:
    assert "secret" not in page.get(path).text.replace("secret.txt", "")


def test_a_bug_is_a_500_without_its_inner_workings(page: TestClient) -> None:
    response = page.get("/api/bug")
    assert response.status_code == 500
    assert set(response.json()) == {"detail"}
    assert "inner workings" not in response.text


def test_long_json_is_sent_compressed_to_those_who_take_it(client: TestClient) -> None:
    path = "/api/config/fields"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    short = client.get(path)
    assert "content-encoding" not in plain.headers
    assert short.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in short.headers["vary"]
    assert int(short.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert short.json() == plain.json()
    assert client.head(path).headers["content-length"] == short.headers["content-length"]
    assert "content-encoding" not in client.get("/api/health").headers  # too short to gain anything
