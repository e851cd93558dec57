"""Eight threads that do every operation on clients at random, in a process that may be killed."""

import io
import json
import random
import uuid
from contextlib import closing, suppress
from pathlib import Path

from support.threads import in_threads

from acare import timestamps
from acare.auth import OPERATOR, caller_without_key
from acare.database.database import Database
from acare.errors import AcareError
from acare.fields import validate_create
from acare.importing.importer import import_rows
from acare.importing.json_lines import JsonReader
from acare.importing.rows import Options
from acare.store import steps
from acare.store.clients import ClientStore
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore
from acare.store.users import UserStore

THREADS = 8
MAX_CLIENTS = 300  # so that most operations find a client, and a comparison is quick

KNOWN = "SELECT id FROM clients UNION SELECT client_id FROM client_history"


def callers(database):
    """The callers by name."""
    users = UserStore(database).list(OPERATOR)
    return {user["email"].partition("@")[0]: caller_without_key(user["id"], user["role"]) for user in users}


#: How often each operation is done, compared with the others.
WEIGHTS = {
    "create": 30, "update": 60, "delete": 30, "restore": 40, "hand_over": 25, "transfer": 1, "erase": 3,
    "purge": 0.3, "import_file": 3,
}  # fmt: skip


class Operations:
    """The operations, by name; each does one thing to a random client, or is refused.

    The threads share the list of ids.
    """

    def __init__(self, database, ids, seed):
        self.database, self.random = database, random.Random(seed)
        self.callers = callers(database)
        self.clients, self.history = ClientStore(database), HistoryStore(database)
        self.erasures = ErasureStore(database)
        self.ids = ids

    def any_caller(self):
        return self.random.choice(list(self.callers.values()))

    def any_owner(self):
        return self.callers[self.random.choice(["ana", "ben"])].user_id

    def any_id(self):
        return self.random.choice(self.ids[:MAX_CLIENTS] or [str(uuid.UUID(int=0))])

    def fields(self):
        status = self.random.choice(["active", "inactive", "closed"])
        notes = "x" * self.random.choice([1, 100, 3000])
        person = {"first_name": "Jordan", "last_name": str(self.random.random()), "client_type": "buyer"}
        return {**person, "status": status, "notes": notes}

    def create(self):
        made = self.clients.create(self.any_caller(), validate_create(self.fields()))
        self.ids.append(made.id)

    def update(self):
        self.clients.update(self.any_caller(), self.any_id(), {"notes": str(self.random.random())})

    def delete(self):
        self.clients.delete(self.any_caller(), self.any_id())

    def restore(self):
        self.history.restore(self.any_caller(), self.any_id())

    def hand_over(self):
        self.clients.update(self.callers["broker"], self.any_id(), {"user_id": self.any_owner()})

    def transfer(self):
        one, other = self.random.sample(["ana", "ben"], 2)
        self.clients.transfer(self.callers["broker"], self.callers[one].user_id, self.callers[other].user_id)

    def erase(self):
        self.erasures.erase(self.any_id())

    def purge(self):
        self.history.purge(0)

    def import_file(self):
        ids = [
            self.any_id(),
            *(str(uuid.UUID(int=self.random.getrandbits(128), version=4)) for _ in range(3)),
        ]
        owners = ["ana@example.com", "ben@example.com"]
        rows = [{**self.fields(), "id": client_id, "owner": self.random.choice(owners)} for client_id in ids]
        lines = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
        options = Options(timestamps.now(), {"owner": owners[0]}, on_duplicate="skip")
        import_rows(self.database, JsonReader(lines), options, lambda: None)
        self.ids += ids

    def do_some(self, count):
        names = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
        for name in names:
            with suppress(AcareError):
                getattr(self, name)()
            if len(self.ids) > MAX_CLIENTS:
                self.erasures.erase(self.ids.pop(self.random.randrange(MAX_CLIENTS // 2)))


def run(path, seed, count):
    """Do ``count`` operations on a file, long ones in short steps; prints a line when it begins."""
    steps.ROWS, steps.PAUSE = 10, 0.001
    with closing(Database(Path(path))) as database:
        with database.read() as connection:
            ids = [client_id for (client_id,) in connection.execute(KNOWN)]
        print("begins", flush=True)
        in_threads(THREADS, lambda n: Operations(database, ids, f"{seed} {n}").do_some(count // THREADS))
