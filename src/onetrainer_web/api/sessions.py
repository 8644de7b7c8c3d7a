"""The logins of browsers. A cookie holds a random id; the server keeps a keyed hash of it, which opens nothing."""

import hmac
import logging
import secrets
import threading
import time
from pathlib import Path

from pydantic import BaseModel, ValidationError

from onetrainer_web.files.json_files import write_json_atomically

LOGGER = logging.getLogger(__name__)

LIFETIME_S = 30 * 24 * 3600
MAX_SESSIONS = 100
"""One more login ends the oldest."""


class _Kept(BaseModel):
    key: str
    """Which token the hashes are keyed with, as a hash itself."""
    ends: dict[str, float]
    """Hash of a login's id → when it runs out, in seconds since 1970."""


class Sessions:
    """The logins that one token has given; with another token none of them counts. Safe to use from any thread."""

    def __init__(self, path: Path, token: str) -> None:
        """Read the logins that are still good.

        Args:
            path: Their file; readable by its owner alone, made with the first login.
            token: The access token, which the hashes are keyed with.
        """
        self._path = path
        self._token = token
        self._lock = threading.Lock()
        self._ends = self._read()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open())

    def holds(self, session: str) -> bool:
        """Whether `session` is the id of an open login."""
        return self._ends.get(self._hash(session), 0) > time.time()

    def open(self) -> str:
        """A new login; gives its id, which is told nowhere else."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            newest = sorted(self._open().items(), key=lambda item: item[1])[1 - MAX_SESSIONS :]
            self._ends = dict(newest) | {self._hash(session): time.time() + LIFETIME_S}
            try:
                self._write()
            except OSError as error:  # on a full disk somebody must come in to free some space
                LOGGER.warning("A login will not survive a restart: %s cannot be written: %s", self._path, error)
        return session

    def end(self, session: str) -> None:
        """End one login, if it is open."""
        with self._lock:
            if self._ends.pop(self._hash(session), None) is not None:
                self._write()

    def end_all(self, token: str | None = None) -> None:
        """End every login; from now on `token` gives them, when it is another one."""
        with self._lock:
            self._token = token or self._token
            self._ends = {}
            self._write()

    def _hash(self, session: str) -> str:
        return hmac.digest(self._token.encode(), session.encode(), "sha256").hex()

    def _open(self) -> dict[str, float]:
        now = time.time()
        return {key: ends for key, ends in self._ends.items() if ends > now}

    def _read(self) -> dict[str, float]:
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
            return kept.ends if kept.key == self._hash("") else {}
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            LOGGER.warning("%s cannot be read; every browser has to log in again: %s", self._path, error)
            return {}

    def _write(self) -> None:
        kept = _Kept(key=self._hash(""), ends=self._ends)
        write_json_atomically(self._path, kept.model_dump(), mode=0o600)
