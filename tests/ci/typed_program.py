"""An embedding program for mypy, which also reports each ``type: ignore`` that hides no error."""

from pathlib import Path

import acare
from acare.auth import OPERATOR

app = acare.create_app(database=Path("clients.db"), rate_limit="off", drain_seconds=5, cors_origin=["*"])
user = app.users.add("ana@example.com", "agent")
key: str = app.keys.create(OPERATOR, user_id=user.id, scopes={"clients": ["read"]}).key

app.users.add("ana@example.com", "boss")  # type: ignore[arg-type]
