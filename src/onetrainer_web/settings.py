"""Settings of the server: where it listens, whom it answers, which workspace it serves.

Each can be given as an environment variable: ONETRAINER_WEB_PORT=9000. Lists are separated by commas.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.protocol.tasks import Engine
from onetrainer_web.system.onetrainer import OneTrainer


def _split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _unless_blank(value: object) -> object:
    """None for a text without a letter: a variable that is set to nothing is not set."""
    return (value.strip() or None) if isinstance(value, str) else value


def _checked_origin(text: str) -> str:
    origin = text.rstrip("/").lower()
    parts = urlsplit(origin)
    is_origin = parts.scheme in ("http", "https") and origin == f"{parts.scheme}://{parts.netloc}" and parts.hostname
    if not is_origin or "*" in origin or "@" in origin:
        raise ValueError(f"{text!r} is no origin of a page; name each, such as https://lab.example:5173")
    return origin


def _checked_host(text: str) -> str:
    if not text.isprintable() or any(sign in text for sign in "*/@ "):
        raise ValueError(f"{text!r} is no name of a host; name each, such as lab.example")
    return text.lower()


HostList = Annotated[list[Annotated[str, AfterValidator(_checked_host)]], NoDecode, BeforeValidator(_split_commas)]
OriginList = Annotated[list[Annotated[str, AfterValidator(_checked_origin)]], NoDecode, BeforeValidator(_split_commas)]
PathList = Annotated[list[Path], NoDecode, BeforeValidator(_split_commas)]


class SettingsError(InvalidRequestError):
    """The server cannot start as it was told to."""

    def __init__(self, problems: ValidationError) -> None:
        super().__init__(" ".join(f"{_variable(one['loc'])}: {one['msg']}." for one in problems.errors()))


def _variable(location: tuple[int | str, ...]) -> str:
    return f"ONETRAINER_WEB_{str(location[0]).upper()}"


class Settings(BaseSettings):
    """Settings of the server, from arguments and ONETRAINER_WEB_* variables."""

    model_config = SettingsConfigDict(env_prefix="ONETRAINER_WEB_", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workspace: Path = Field(default=Path("workspace"), description="Folder of runs, configurations and datasets.")
    token: Annotated[SecretStr | None, BeforeValidator(_unless_blank)] = Field(
        default=None,
        description="Access token to ask for, on any address. Unset or blank: loopback asks for none, any other "
        "address for the workspace's own, made on the first start.",
    )
    allowed_hosts: HostList = Field(
        default=[], description="Further names the server may be called by (Host header, without port)."
    )
    allowed_origins: OriginList = Field(
        default=[], description="Web pages elsewhere that may use the API, such as https://lab.example:5173."
    )
    allowed_roots: PathList = Field(
        default=[],
        description="Folders besides the workspace that requests may name and look into. Empty: all it can read.",
    )

    on_end: Path | None = Field(
        default=None, description="Program to start when a training has ended; its environment says which and how."
    )

    onetrainer_dir: Path | None = Field(
        default=None, description="Folder of a OneTrainer installation, to train with it as a second engine."
    )
    onetrainer_python: Path | None = Field(
        default=None, description="Its Python, where it is not in its venv, conda_env or .venv."
    )
    engine: Engine = Field(default=Engine.NATIVE, description="Who trains when a request does not say.")

    @property
    def onetrainer(self) -> OneTrainer | None:
        """The OneTrainer installation, if one was named."""
        return OneTrainer(self.onetrainer_dir, self.onetrainer_python) if self.onetrainer_dir else None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback_host(self.host)


def read_settings(given: Mapping[str, Any]) -> Settings:
    """The settings of ONETRAINER_WEB_* variables, with what is given (and not None) before them.

    Raises:
        SettingsError: Says which of them cannot be used, and why.
    """
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(error) from None  # the original repeats what was given, a token too


def is_loopback_host(host: str) -> bool:
    """Whether `host`, an address or a name without port, means this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
