"""The OpenAPI 3.1 document: ``openapi.json``, completed with the version and the prefix."""

from __future__ import annotations

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
    return complete
