"""Whether the Hugging Face hub can be asked at all: its library would try for minutes for each file."""

import logging
import ssl
from functools import cache
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from huggingface_hub.constants import ENDPOINT

_PATIENCE_S = 5
HOST = urlsplit(ENDPOINT).netloc
MISSING = (
    f"it has not been downloaded to this machine, and {HOST} cannot be reached. Connect it, copy the downloads of "
    "another one, or enter the path of a model that is here."
)
log = logging.getLogger("onetrainer_web.engine")


@cache
def can_be_reached() -> bool:
    """Whether the hub answers anything; asked once, when something is first needed from there."""
    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=_PATIENCE_S).close()
    except HTTPError:
        return True
    except OSError as error:
        # The hub's own library may know certificates that Python does not.
        if isinstance(error, URLError) and isinstance(error.reason, ssl.SSLError):
            return True
        log.warning("%s cannot be reached (%s): only what has been downloaded is used", HOST, error)
        return False
    return True
