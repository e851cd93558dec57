"""What the resources are made with."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from acare.config import Settings
from acare.database.database import Database
from acare.store.callers import Callers
from acare.store.changes import ChangeFeed
from acare.store.clients import ClientStore
from acare.store.history import HistoryStore
from acare.store.keys import KeyStore
from acare.store.lists import ClientLists
from acare.store.search import index_changes
from acare.store.users import UserStore


class Services:
    """The settings, a database with its stores, and a clock, which returns nanoseconds."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database, before_commit=index_changes)
        self.callers = Callers(self.database, clock)
        self.clients = ClientStore(self.database)
        self.lists = ClientLists(self.database)
        self.history = HistoryStore(self.database)
        self.feed = ChangeFeed(self.database)
        self.users = UserStore(self.database, self.callers.forget)
        self.keys = KeyStore(self.database, self.callers.forget)


class Resource:
    """A resource. Its responders, such as ``on_get``, are methods of a subclass."""

    #: The query parameters of its operations, with their parsers.
    parameters: ClassVar[Mapping[str, Callable[[str], Any]]] = {}

    #: Whether its POST or PUT has a body.
    takes_body: ClassVar[bool] = True

    def __init__(self, services: Services) -> None:
        self._services = services
