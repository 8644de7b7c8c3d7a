"""Access data for model hubs and rented machines: written, never read."""

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.api.dependencies import WorkspaceDependency
from onetrainer_web.api.routing import new_router
from onetrainer_web.config.secrets import update_secrets, which_are_set
from onetrainer_web.config.text import Line

router = new_router("/api/secrets", "secrets")


class CloudSecrets(BaseModel):
    """Access to a rented or remote machine; what is left out stays, an empty text removes."""

    model_config = ConfigDict(extra="forbid")

    api_key: Line | None = Field(default=None, max_length=10_000, description="Key of the renting service.")
    id: Line | None = Field(default=None, max_length=10_000, description="Id of the machine there.")
    host: Line | None = Field(default=None, max_length=10_000, description="Address.")
    port: Line | None = Field(default=None, max_length=10_000, description="SSH port.")
    user: Line | None = Field(default=None, max_length=10_000, description="SSH user.")
    key_file: Line | None = Field(default=None, max_length=10_000, description="File of the SSH key.")
    password: Line | None = Field(default=None, max_length=10_000, description="SSH password.")


class Secrets(BaseModel):
    """Secrets to set; what is left out stays, an empty text removes."""

    model_config = ConfigDict(extra="forbid")

    huggingface_token: Line | None = Field(default=None, max_length=10_000, description="For gated models.")
    cloud: CloudSecrets | None = Field(default=None, description="Access to a rented or remote machine.")


class SecretsState(BaseModel):
    """Which secrets are set."""

    secrets: dict[str, bool] = Field(description="Dotted name of a secret → whether it is set.")


@router.get("")
def get_secrets(workspace: WorkspaceDependency) -> SecretsState:
    """Which secrets are set; never their values."""
    return SecretsState(secrets=which_are_set(workspace.secrets))


@router.put("")
def set_secrets(workspace: WorkspaceDependency, secrets: Secrets) -> SecretsState:
    """Set secrets."""
    update_secrets(workspace.secrets, secrets.model_dump(exclude_none=True))
    return SecretsState(secrets=which_are_set(workspace.secrets))
