"""A valid request for each operation of the API; its path has names for a scene in braces."""

from support.data import JORDAN

# The body of each operation, or a function that makes it for a scene, and its status for a broker, for the
# agent who owns the client or key, and for another agent.
OPERATIONS = {
    "GET /v1/clients": (None, 200, 200, 200),
    "GET /v1/clients.csv": (None, 200, 200, 200),
    "POST /v1/clients": (JORDAN, 201, 201, 201),
    "GET /v1/clients/{client_id}": (None, 200, 200, 404),
    "PUT /v1/clients/{client_id}": ({"notes": "x"}, 200, 200, 404),
    "DELETE /v1/clients/{client_id}": (None, 200, 200, 404),
    "GET /v1/clients/{client_id}/history": (None, 200, 200, 404),
    "POST /v1/clients/{client_id}/restore": (None, 200, 200, 404),
    "POST /v1/clients/{client_id}/owner": (lambda scene: {"user_id": scene.new_id()}, 200, 403, 403),
    "GET /v1/changes": (None, 200, 200, 200),
    "GET /v1/users": (None, 200, 200, 200),
    "POST /v1/users": (lambda scene: {"email": scene.new_email(), "role": "agent"}, 201, 403, 403),
    "GET /v1/users/me": (None, 200, 200, 200),
    "PUT /v1/users/{user_id}": ({"role": "agent"}, 200, 403, 403),
    "POST /v1/users/{user_id}/handover": (lambda scene: {"to": scene.new_id()}, 200, 403, 403),
    "GET /v1/keys": (None, 200, 200, 200),
    "POST /v1/keys": ({"scopes": {}}, 201, 201, 201),
    "DELETE /v1/keys/{key_id}": (None, 200, 200, 404),
}


def made_for(scene, body):
    """The body of a request."""
    return body(scene) if callable(body) else body


def method_and_path(operation):
    """Of a request, with the names of the ids that it needs."""
    method, path = operation.split()
    return method, path.replace("{client_id}/restore", "{deleted_id}/restore")
