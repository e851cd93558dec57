"""acare: the Clients API for real-estate agencies, self-hosted. See :func:`create_app`."""

from acare.version import __version__

__all__ = ["App", "Caller", "__version__", "create_app"]

TYPE_CHECKING = False  # type checkers take it as true; importing it would take time, see below
if TYPE_CHECKING:
    from acare.app import App, create_app
    from acare.auth import Caller
else:

    def __getattr__(name):
        """Import the API when it is first used: before its own imports, the command cannot handle Ctrl-C."""
        if name not in __all__:
            raise AttributeError(f"module 'acare' has no attribute {name!r}")
        from acare import app

        return getattr(app, name)
