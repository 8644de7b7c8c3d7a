"""Train diffusion models from a browser, a script or a shell."""

from importlib.metadata import version

__version__ = version("onetrainer-web")
