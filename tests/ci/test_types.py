"""The types that an embedding program is checked against."""

import subprocess
from pathlib import Path

from support.environment import environment

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
from pathlib import Path

import acare
from acare.auth import OPERATOR

app = acare.create_app(database=Path("clients.db"), rate_limit="off", drain_seconds=5, cors_origin=["*"])
user = app.users.add("ana@example.com", "agent")
key: str = app.keys.create(OPERATOR, user_id=user.id, scopes={"clients": ["read"]}).key

acare.create_app(databse="clients.db")  # type: ignore[call-arg]
acare.create_app(drain_seconds=[5])  # type: ignore[arg-type]
app.users.add("ana@example.com", "boss")  # type: ignore[arg-type]
"""


def test_a_misspelt_setting_is_an_error_for_mypy(tmp_path):
    """An ignored line without an error is one, too."""
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    mypy = environment(tmp_path / "venv", "mypy", "-e", ROOT) / "mypy"
    line = [mypy, "--strict", "program.py"]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout
