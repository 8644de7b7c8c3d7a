"""Train diffusion models from a browser, a script or a shell."""

__version__ = "0.1.0"
