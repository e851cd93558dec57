"""acare: the Clients API for real-estate agencies, self-hosted. See :func:`create_app`."""

from acare.app import App, create_app
from acare.version import __version__

__all__ = ["App", "__version__", "create_app"]
