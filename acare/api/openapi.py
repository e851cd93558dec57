"""The OpenAPI 3.1 document: ``openapi.json``, completed with the version and the prefix."""

import json
from importlib import resources
from typing import Any

Json = dict[str, Any]


def document(version: str, prefix: str = "") -> Json:
    """The document for an app that is mounted under ``prefix``."""
    text = resources.files(__package__).joinpath("openapi.json").read_text("utf-8")
    complete: Json = json.loads(text)
    complete["info"]["version"] = version
    complete["servers"][0]["url"] = prefix or "/"
    _add_preference(complete)
    return complete


def _add_preference(complete: Json) -> None:
    """Add what every operation has: the header ``Prefer``, and ``Preference-Applied`` in every response."""
    operations = [operation for path in complete["paths"].values() for operation in path.values()]
    responses = [*complete["components"]["responses"].values()]
    for operation in operations:
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/Prefer"})
        responses += [response for response in operation["responses"].values() if "headers" in response]
    for response in responses:
        response["headers"]["Preference-Applied"] = {"$ref": "#/components/headers/Preference-Applied"}
