"""acare: the Clients API for real-estate agencies, self-hosted. See :func:`create_app`."""

from acare.app import App, create_app
from acare.auth import Caller
from acare.version import __version__

__all__ = ["App", "Caller", "__version__", "create_app"]
