"""TensorBoard over all runs of a workspace: a process beside the server that ends with it, even when it is killed."""

import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from onetrainer_web.errors import OneTrainerWebError, TrainerNotInstalledError
from onetrainer_web.system.environment import environment_of_children

HOST = "127.0.0.1"
START_PATIENCE_S = 60.0
STOP_PATIENCE_S = 5.0
LOOK_EVERY_S = 0.1
SECRET_HEADER = "X-TensorBoard-Secret"
PROGRAM = """
import hmac, os, sys, threading
secret = sys.stdin.readline().strip()
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from tensorboard.backend import application
from tensorboard.main import run_main

def guarded(*arguments, make=application.TensorBoardWSGIApp, **options):
    app = make(*arguments, **options)
    def answer(environ, start_response):
        if hmac.compare_digest(environ.get("HTTP_X_TENSORBOARD_SECRET", "").encode(), secret.encode()):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Ask the server that started this TensorBoard."]
    return answer

application.TensorBoardWSGIApp = guarded
run_main()
"""
"""Standard input is a pipe from the server. It brings the secret, which a command line would show to everybody on the
machine; and it ends when the server does, and TensorBoard with it."""


class TensorBoardError(OneTrainerWebError):
    """TensorBoard does not start."""

    def __init__(self, last_words: str) -> None:
        super().__init__(f"TensorBoard did not start: {last_words or 'it said nothing'}")


class TensorBoard:
    """The TensorBoard of a folder of runs; safe to use from any thread."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.secret = secrets.token_urlsafe(32)
        """What it asks for in the header SECRET_HEADER, so that nobody gets past the server to it."""

    @property
    def port(self) -> int | None:
        """Where it listens on loopback; None while it does not run."""
        process = self._process
        return self._port if process and process.poll() is None else None

    def start(self) -> None:
        """Have it run and answer; does nothing when it does.

        Raises:
            TrainerNotInstalledError: TensorBoard comes with the trainer, which is missing.
            TensorBoardError: It ended, or did not answer.
        """
        with self._lock:
            if self.port is not None:
                return
            if find_spec("tensorboard") is None:
                raise TrainerNotInstalledError
            self._port = _free_port()
            options = ["--logdir", str(self._runs), "--host", HOST, "--port", str(self._port), "--load_fast=false"]
            with tempfile.TemporaryFile() as words:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", PROGRAM, *options],
                    stdin=subprocess.PIPE,
                    stdout=words,
                    stderr=words,
                    env=environment_of_children(),
                )
                assert self._process.stdin
                self._process.stdin.write(f"{self.secret}\n".encode())
                self._process.stdin.flush()
                if not _answers(self._process, self._port):
                    self._end()
                    words.seek(0)
                    raise TensorBoardError(words.read().decode(errors="replace").strip().rpartition("\n")[2])

    def stop(self) -> None:
        """End it, if it runs."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Wait until the port takes connections; False when the process ends first, or time is up."""
    deadline = time.monotonic() + START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), LOOK_EVERY_S).close()
        except OSError:
            time.sleep(LOOK_EVERY_S)
        else:
            return True
    return False
