"""acare: a self-hosted Clients API for real-estate agencies. See :func:`create_app`."""

from acare.app import App, create_app
from acare.auth import Caller
from acare.version import __version__

__all__ = ["App", "Caller", "__version__", "create_app"]
