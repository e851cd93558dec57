"""An embedding program for mypy, which also reports each ``type: ignore`` that hides no error."""

from pathlib import Path

import acare
from acare.auth import OPERATOR

app = acare.create_app(database=Path("clients.db"), rate_limit="off", drain_seconds=5, cors_origin=["*"])
user = app.users.add("ana@example.com", "agent")
key: str = app.keys.create(OPERATOR, user_id=user.id, scopes={"clients": ["read"]}).key

acare.create_app(databse="clients.db")  # type: ignore[call-arg]
acare.create_app(drain_seconds=[5])  # type: ignore[arg-type]
app.users.add("ana@example.com", "boss")  # type: ignore[arg-type]
