"""Every operation in one table. The routes, the rights and ``Allow`` come from it.

``acare/README.md`` says what a new operation, or a new kind of record, needs besides.
"""

import json
from typing import Any

import falcon
from falcon.routing import CompiledRouter

from acare.api import openapi
from acare.api.public import Index, Liveness, Readiness, WebFile
from acare.api.request import Request
from acare.api.resources import (
    Changes,
    ClientCollection,
    ClientHistory,
    ClientItem,
    ClientOwner,
    ClientsCsv,
    RestoredClient,
)
from acare.api.services import Operation, Resource, Services
from acare.api.users import (
    CurrentUser,
    Handover,
    KeyCollection,
    KeyItem,
    KeyRedemption,
    UserCollection,
    UserItem,
)
from acare.auth import Right, Role

# Actions, of which a scope needs one.
ANY_KEY: tuple[str, ...] = ()
READ = ("read",)
WRITE = ("write",)
DELETE = ("write", "delete")
CREATE = ("write", "create")

BROKERS: tuple[Role, ...] = ("broker",)


class OpenApiDocument(Resource):
    """``/openapi.json``, with the URL of the server."""

    def __init__(self, services: Services) -> None:
        self._text = openapi.document(OPERATIONS)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        resp.text = self._text.replace('"url": "/"', f'"url": {json.dumps(req.root_path or "/")}')


OPERATIONS = (
    Operation("GET", "/v1/clients", ClientCollection, Right("clients", READ)),
    Operation("POST", "/v1/clients", ClientCollection, Right("clients", CREATE)),
    Operation("GET", "/v1/clients.csv", ClientsCsv, Right("clients", READ)),
    Operation("GET", "/v1/clients/{client_id}", ClientItem, Right("clients", READ)),
    Operation("PUT", "/v1/clients/{client_id}", ClientItem, Right("clients", WRITE)),
    Operation("DELETE", "/v1/clients/{client_id}", ClientItem, Right("clients", DELETE)),
    Operation("GET", "/v1/clients/{client_id}/history", ClientHistory, Right("clients", READ)),
    Operation("POST", "/v1/clients/{client_id}/restore", RestoredClient, Right("clients", WRITE)),
    Operation("POST", "/v1/clients/{client_id}/owner", ClientOwner, Right("clients", WRITE, BROKERS)),
    Operation("GET", "/v1/changes", Changes, Right("clients", READ)),
    Operation("GET", "/v1/users", UserCollection, Right("clients", READ)),
    Operation("POST", "/v1/users", UserCollection, Right("users", CREATE, BROKERS)),
    Operation("GET", "/v1/users/me", CurrentUser, Right("users", ANY_KEY)),
    Operation("PUT", "/v1/users/{user_id}", UserItem, Right("users", WRITE, BROKERS)),
    Operation("POST", "/v1/users/{user_id}/handover", Handover, Right("clients", WRITE, BROKERS)),
    Operation("GET", "/v1/keys", KeyCollection, Right("keys", READ)),
    Operation("POST", "/v1/keys", KeyCollection, Right("keys", CREATE)),
    Operation("POST", "/v1/keys/redeem", KeyRedemption, None),
    Operation("DELETE", "/v1/keys/{key_id}", KeyItem, Right("keys", DELETE)),
    Operation("GET", "/healthz", Liveness, None),
    Operation("GET", "/readyz", Readiness, None),
    Operation("GET", "/openapi.json", OpenApiDocument, None),
    Operation("GET", "/", Index, None),
    Operation("GET", "/web/{name}", WebFile, None),
)

#: The operations by method and path.
BY_METHOD: dict[tuple[str, str | None], Operation] = {
    (method, operation.path): operation
    for operation in OPERATIONS
    for method in (("GET", "HEAD") if operation.method == "GET" else (operation.method,))
}


class Router(CompiledRouter):
    """Makes the resources, and finds the one for the path of a request."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        for path, resource in {operation.path: operation.resource for operation in OPERATIONS}.items():
            self.add_route(path, resource(services))

    def find(self, uri: str, req: Any = None) -> Any:
        """Falcon's hook: a slash at the end is not an empty id."""
        return None if uri.endswith("/") and uri.strip("/") else super().find(uri, req)

    def map_http_methods(self, resource: object, **options: Any) -> Any:
        """Falcon's hook: HEAD works where GET does."""
        methods = super().map_http_methods(resource, **options)
        return {**methods, "HEAD": methods["GET"]} if "GET" in methods else methods
