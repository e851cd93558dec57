"""A row of the table of operations, the base class of resources, and the services that they use."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from acare.auth import Right
from acare.config import Settings
from acare.store.callers import Callers
from acare.store.changes import ChangeFeed
from acare.store.clients import ClientStore
from acare.store.deleted import DeletedClients
from acare.store.history import HistoryStore
from acare.store.keys import KeyStore
from acare.store.lists import ClientLists
from acare.store.search import open_database
from acare.store.users import UserStore


class Services:
    """The settings, a database with its stores, and a clock, which returns nanoseconds."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        self.settings = settings
        self.clock = clock
        self.database = open_database(settings.database)
        self.callers = Callers(self.database, clock)
        self.clients = ClientStore(self.database)
        self.lists = ClientLists(self.database)
        self.deleted = DeletedClients(self.database)
        self.history = HistoryStore(self.database)
        self.feed = ChangeFeed(self.database)
        self.users = UserStore(self.database, self.callers.forget)
        self.keys = KeyStore(self.database, self.callers.forget)


class Resource:
    """A resource. Its responders, such as ``on_get``, are methods of a subclass."""

    #: The query parameters of its operations, with their parsers.
    parameters: ClassVar[Mapping[str, Callable[[str], Any]]] = {}

    def __init__(self, services: Services) -> None:
        self._services = services


class Operation(NamedTuple):
    """A row: the class of the resource, and the right that the operation needs.

    The responder is the method of the resource. HEAD works where GET does. Without a right, no key is needed;
    under ``/v1``, an invitation is.
    """

    method: str
    path: str
    resource: type[Resource]
    right: Right | None
