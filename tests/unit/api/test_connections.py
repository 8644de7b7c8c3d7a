"""How many files the server may open, for how many connections, and how much strangers can make it log."""

import logging
from collections.abc import Iterator

import pytest

from onetrainer_web.api import connections
from onetrainer_web.api.connections import LOGGED_AT_ONCE, LogBound, max_connections

resource = pytest.importorskip("resource", reason="this system bounds no open files")
USUAL_FILES = 1024


@pytest.fixture
def usual_files() -> Iterator[None]:
    """This process may open as many files as most systems let it at first."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] <= USUAL_FILES:
        pytest.skip("this process may not open more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_FILES, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("usual_files")
def test_the_server_may_open_more_files_than_usual() -> None:
    connections.raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > USUAL_FILES
    assert max_connections() > USUAL_FILES // 2


def test_a_flood_is_logged_a_few_times() -> None:
    bound = LogBound()
    flood = [logging.LogRecord("", logging.WARNING, "", 0, "Invalid HTTP request.", (), None) for _ in range(100)]
    kept = [record.getMessage() for record in flood if bound.filter(record)]
    assert len(kept) == LOGGED_AT_ONCE
    assert "not logged" in kept[-1]
    other = logging.LogRecord("asyncio", logging.ERROR, "", 0, "socket.accept() out of system resource", (), None)
    assert bound.filter(other)


def test_a_second_file_is_kept_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (USUAL_FILES, USUAL_FILES))
    assert 2 * max_connections() + connections.OWN_FILES <= USUAL_FILES
