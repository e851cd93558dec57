"""acare: the Clients API for real-estate agencies, self-hosted. See :func:`create_app`."""

from acare.app import App, create_app

__version__ = "0.1.0"

__all__ = ["App", "__version__", "create_app"]
