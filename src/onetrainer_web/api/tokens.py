"""The access token: what is good enough to be one, and the workspace's own in its file."""

import os
import secrets
from pathlib import Path

from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.files.atomic import replacing_file
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.settings import Settings

MIN_LENGTH = 16
"""Characters of a token that others may guess at; the workspace's own has 43."""


class TokenTooWeakError(InvalidRequestError):
    """The token that a server was given keeps nobody out."""

    def __init__(self) -> None:
        super().__init__(
            f"Beyond loopback the access token must have at least {MIN_LENGTH} characters, letters, digits and signs "
            "of ASCII without blanks. Give ONETRAINER_WEB_TOKEN a longer one, or leave it out for the workspace's own."
        )


class TokenFileError(InvalidRequestError):
    """The workspace's token can be neither read nor written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"The access token cannot be kept in {path}: {error.strerror or error}. Beyond loopback the server does "
            "not start without one: mend the file, or give one by ONETRAINER_WEB_TOKEN."
        )


def is_strong(token: str) -> bool:
    """Whether a token is long enough not to be guessed, and can be sent in a header as it is."""
    return len(token) >= MIN_LENGTH and token.isascii() and token.isprintable() and " " not in token


def check_token(settings: Settings) -> None:
    """Refuse to serve others with a token that would not keep them out.

    Raises:
        TokenTooWeakError: That is so.
    """
    if settings.token is not None and not settings.is_loopback and not is_strong(settings.token.get_secret_value()):
        raise TokenTooWeakError


def required_token(settings: Settings, workspace: Workspace) -> str | None:
    """The token that requests need; None when everybody on this machine may ask.

    Raises:
        TokenFileError: It can be neither read nor written.
    """
    if settings.token is not None:
        return settings.token.get_secret_value()
    return None if settings.is_loopback else read_or_make_token(workspace.token)[0]


def read_or_make_token(path: Path) -> tuple[str, bool]:
    """The workspace's token, made when its file has none that is good enough.

    Returns:
        The token, and whether it is new.

    Raises:
        TokenFileError: The file can be neither read nor written.
    """
    try:
        token = path.read_bytes().decode("ascii", errors="replace").strip() if path.exists() else ""
        if not is_strong(token):
            return replace_token(path), True
        if os.name == "posix":
            path.chmod(0o600)  # it may have been copied here
    except OSError as error:
        raise TokenFileError(path, error) from error
    return token, False


def replace_token(path: Path) -> str:
    """A new token for the workspace, readable by its owner alone; the old one is gone."""
    token = secrets.token_urlsafe(32)
    with replacing_file(path, mode=0o600, is_durable=True) as file:
        file.write(f"{token}\n".encode())
    return token
