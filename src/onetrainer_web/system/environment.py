"""What the programs that this process starts are told by their environment: all but the key to the server."""

import os

_KEPT_BACK = "ONETRAINER_WEB_TOKEN"


def environment_of_children() -> dict[str, str]:
    """This process's environment variables without the access token, in whatever case it was written."""
    return {name: value for name, value in os.environ.items() if name.upper() != _KEPT_BACK}
