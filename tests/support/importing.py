"""Running ``acare import`` and ``export`` in process, on a separate database for each test."""

import json
import re

from support.client import Api
from support.data import JORDAN
from support.hosted import KEY, hosted_fields
from support.keys import new_key

import acare
from acare.auth import caller_without_key
from acare.fields import validate_create

from . import command

USER = "ana@example.com"
HEADER = "first_name,last_name,client_type"
RECORD = {
    **JORDAN,
    "email": "j@b",
    "id": "0190b6a0-0000-7000-8000-000000000001",
    "version": 3,
    "created_at": "2024-01-01T00:00:00.000Z",
    "updated_at": "2024-02-01T00:00:00.000Z",
}


class Agency:
    """A database with one user, and files next to it."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "acare.db"
        with acare.create_app(database=self.database) as app:
            made = new_key(app.keys, USER, {"all": ["read", "write"]}, role="broker")
        self.user_id, self.key = made.user_id, made.key
        self.caller = caller_without_key(self.user_id, "broker")

    def app(self):
        return acare.create_app(database=self.database)

    def run(self, *arguments):
        return command.run(*arguments, "--database", self.database)

    def write(self, content, name="in.csv"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, content, *arguments, name="in.csv"):
        """Import a file with this content."""
        return self.run("import", self.write(content, name), "--user", USER, *arguments)

    def problems(self, content, *arguments, name="in.csv"):
        """The problems and duplicates of a file: for each kind its first word, and the first rows."""
        printed = self.load(content, "--dry-run", *arguments, name=name).out
        return re.findall(r"^(\w+) .*: [\d,]+ rows? \((.*)\); ", printed, re.MULTILINE)

    def clients(self):
        """All records, oldest first, each with its owner."""
        return [json.loads(line) for line in self.run("export").out.splitlines()]

    def create(self, **body):
        """A client that was created over the API."""
        with self.app() as app:
            made = app.clients.create(self.caller, validate_create(body))
        return json.loads(made.json)


class Mover:
    """An agency that imports from the hosted service, which listens at ``url``."""

    def __init__(self, agency, hosted, url):
        self.agency, self.hosted, self.url = agency, hosted, url
        self.key_file = agency.write(KEY, "hosted.key")

    def run(self, *arguments):
        """Import; its owners without ``--value`` go to the agency's user."""
        line = ("import", self.url, "--key-file", self.key_file, "--user", USER, *arguments)
        return self.agency.run(*line)

    def here(self):
        """The clients of the agency by id, with the fields that the hosted service has."""
        found, page = {}, {"hasMore": True, "page": 0}
        with self.agency.app() as app:
            api = Api(app, self.agency.key)
            while page["hasMore"]:
                listed = api.list(f"?limit=100&page={page['page'] + 1}")
                page = listed["meta"]
                found |= {client["id"]: hosted_fields(client) for client in listed["clients"]}
        return found

    def differences(self):
        """The ids of clients that are not here as they are there, with the different fields."""
        here = self.here()
        found = {}
        for client_id, there in self.hosted.clients.items():
            record = here.get(client_id, {})
            fields = [name for name in there if name != "user_id" and there[name] != record.get(name)]
            if fields:
                found[client_id] = fields
        return found
