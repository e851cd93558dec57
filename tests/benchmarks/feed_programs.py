"""Kills the two feed programs: ``PYTHONPATH=tests python -m tests.benchmarks.feed_programs MINUTES``.

They run beside two writers, with a tenth of their waits. Meanwhile, at random, they are killed 20 times and
the server 4 times, three earlier backups are restored, the server is away for a minute, and the webhook
answers 500 for half a minute. It always refuses one client. In the end, copy and webhook must have the list.
"""

import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException
from pathlib import Path

from support.backups import back_up
from support.http import Agency, serving_with
from support.page import replaced
from support.server import make_key, serving
from support.sockets import free_port, wait_for

from acare.maintenance.restore import restore

PROGRAMS = Path(__file__).parents[1] / "api"
EVENTS = ["copy"] * 10 + ["webhook"] * 10 + ["server"] * 4 + ["restore"] * 3 + ["away", "500"]


class Soak:
    """A server, the two programs, a webhook and the writers, in a folder."""

    def __init__(self, folder, hook, end):
        self.folder, self.database, self.end = folder, folder / "acare.db", end
        self.server = end.enter_context(ExitStack())
        self.address, key = f"127.0.0.1:{free_port()}", make_key(self.database)
        self.agency = Agency(f"http://{self.address}", key)
        self.processes, self.runs, self.over = {}, Counter(), threading.Event()
        end.callback(self.over.set)
        self.taken, self.restores, self.fails_until = [], 0, 0.0  # what the webhook took, and when
        self.backups, self.deleted, self.anew = [], {}, 0.0  # when each was deleted, and all were sent anew
        there = {"127.0.0.1:8080": self.address, "YOUR_API_KEY": key, "sleep(5)": "sleep(0.5)"}
        more = {"https://hooks.example/clients": hook, "else 5": "else 0.5"}
        for name, values in {"copy": there, "webhook": {**there, **more}}.items():
            program = (PROGRAMS / f"example_{name}.py").read_text("utf-8")
            (folder / f"{name}.py").write_text(replaced(program, values), "utf-8")

    def restart(self, name):
        if process := self.processes.get(name):
            assert process.poll() is None, f"{name} has ended by itself"
            process.kill()
            process.wait()
        process = subprocess.Popen([sys.executable, f"{name}.py", "copy.db"], cwd=self.folder)
        self.end.callback(process.kill)
        self.processes[name], self.runs[name] = process, self.runs[name] + 1

    def receive(self, request):
        """The webhook."""
        change = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        is_refused = (change["client"] or {}).get("first_name") == "Refused"
        time.sleep(0.02)  # so that a kill comes in the middle of a page
        status = 400 if is_refused else 500 if time.monotonic() < self.fails_until else 204
        request.send_response(status)
        request.end_headers()
        if status == 204:
            self.taken.append((self.restores, self.runs["webhook"], change))

    def write(self, name):
        ids, draw = [], random.Random(name)
        while not self.over.wait(draw.uniform(0.05, 0.2)):
            with suppress(OSError, HTTPException, AssertionError):  # no server, or no such client any more
                if len(ids) <= draw.randrange(300):
                    ids.append(self.agency.create(first_name=name)["id"])
                elif draw.random() < 0.7:
                    self.agency.put({"id": draw.choice(ids)}, notes=str(draw.random()))
                else:
                    gone = ids.pop(draw.randrange(len(ids)))
                    self.agency.ask("DELETE", f"/v1/clients/{gone}")
                    self.deleted[gone] = time.monotonic()

    def happen(self, event):
        self.backups.append(back_up(self.database, self.folder / "backups"))
        if event in ("copy", "webhook"):
            self.restart(event)
        elif event == "500":
            self.fails_until = time.monotonic() + 30
        else:
            self.server.close()  # with SIGKILL
            time.sleep(60 if event == "away" else 0)
            if event == "restore":
                restore(random.choice(self.backups[-9:]), self.database)
                self.restores += 1
            self.server.enter_context(serving(self.database, "--listen", self.address))
            wait_for(self.has_begun, seconds=120)
            self.anew = time.monotonic() if event == "restore" else self.anew

    def has_begun(self):
        """Whether the program with the webhook has a cursor of this database, not of the replaced one."""
        cursor, newest = self.folder / "cursor.txt", self.agency.ask("GET", "/v1/changes?after=now")["meta"]
        return cursor.exists() and cursor.read_text()[:16] == newest["cursor"][:16]

    def copied(self):
        with closing(sqlite3.connect(self.folder / "copy.db", timeout=30)) as connection:
            return {name: json.loads(text) for name, text in connection.execute("SELECT * FROM clients")}

    def sent(self, listed):
        """What the webhook has last got of these clients, and of those deleted since all were sent anew."""
        last = {change["id"]: change["client"] for _, _, change in list(self.taken)}
        gone = {name for name, at in self.deleted.items() if at > self.anew and last.get(name)}
        return {name: last.get(name) for name in {*listed, *gone}}

    def check(self):
        pages = range(1, self.agency.total() // 100 + 2)
        rows = [self.agency.ask("GET", f"/v1/clients?limit=100&page={page}")["clients"] for page in pages]
        listed = {client["id"]: client for page in rows for client in page}
        passed_on = {name: client for name, client in listed.items() if client["first_name"] != "Refused"}
        wait_for(lambda: (self.copied(), self.sent(passed_on)) == (listed, passed_on), seconds=120)
        seen, again = set(), Counter()
        for restores, run, change in self.taken:
            text = f"{restores} {json.dumps(change)}"
            again[restores, run] += text in seen
            seen.add(text)
        print(f"{len(listed)} clients, {len(self.taken)} changes sent; again, in each run:", *again.values())
        assert max(again.values()) <= 100, "more than one page was sent again"


def run(soak, minutes):
    for event in ("copy", "webhook", "server"):
        soak.happen(event)
    soak.agency.create(first_name="Refused")
    for name in ("one", "two"):
        threading.Thread(target=soak.write, args=(name,)).start()
    for event in random.sample(EVENTS, len(EVENTS)):
        time.sleep(random.uniform(0, 2 * minutes * 60 / len(EVENTS)))
        print(event, end=" ", flush=True)
        soak.happen(event)
    soak.over.set()
    wait_for(lambda: threading.active_count() == 2, seconds=60)  # the writers have ended; the webhook has not
    soak.check()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, ExitStack() as end:
        hook = end.enter_context(serving_with(lambda request: soak.receive(request)))
        soak = Soak(Path(folder), hook, end)
        run(soak, float(sys.argv[1]))
