"""Access data for model hubs and rented machines; they live in secrets.json alone."""

from onetrainer_web.config.base import ConfigModel


class CloudSecretsConfig(ConfigModel):
    """Access to a rented or remote machine."""

    api_key: str = ""
    id: str = ""
    host: str = ""
    port: str = "0"
    user: str = "root"
    key_file: str = ""
    password: str = ""


class SecretsConfig(ConfigModel):
    """Everything that must not stand in a configuration that people share."""

    huggingface_token: str = ""
    cloud: CloudSecretsConfig = CloudSecretsConfig()
