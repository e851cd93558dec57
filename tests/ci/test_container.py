"""The containers in acare/cli/container, without an engine: the lines of Containerfile are run.

Images cannot be pulled everywhere, so compose.yaml is only read.
"""

import json
import os
import re
import shlex
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.http import serving_with
from support.page import examples
from support.sockets import free_port, wait_for

FOLDER = Path(__file__).parents[2] / "acare" / "cli" / "container"
COMPOSE = (FOLDER / "compose.yaml").read_text()
STAGES = [
    [line.partition(" ")[::2] for line in f"FROM{stage}".splitlines()]
    for stage in (FOLDER / "Containerfile").read_text().split("\nFROM")[1:]
]
COMMANDS = "".join(examples("sh", "A container")).splitlines()


def arguments(instruction):
    """What follows this instruction in the last stage, for each line that has it."""
    return [text for name, text in STAGES[-1] if name == instruction]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with what COPY and RUN make, each stage with a new environment of Debian's Python."""
    checkout = source = FOLDER.parents[2]
    for stage in STAGES:
        folder = tmp_path_factory.mktemp("image")
        subprocess.run(["/usr/bin/python3", "-m", "venv", folder / "venv"], check=True)
        (folder / "etc").mkdir()
        for name in ("passwd", "group", "shadow", "gshadow"):
            (folder / "etc" / name).touch()
        for name, text in stage:
            if name == "COPY":
                *files, target = re.sub("--from=build /", "", text).split()
                (folder / target.strip("/")).mkdir(parents=True)
                files = [re.sub("/$", "/.", file) for file in files]  # the content of a folder
                run(
                    folder,
                    f"cp -R {' '.join(files)} {folder}{target}",
                    cwd=source if "--from" in text else checkout,
                )
            elif name == "RUN":
                text = re.sub(" /(wheels|source|backups)", rf" {folder}/\1", text).replace("-o acare ", "")
                run(folder, text.replace("useradd", f"useradd -P {folder}"), cwd=folder)
        source = folder
    return folder


def run(folder, line, **options):
    subprocess.run(line, shell=True, check=True, env=environment(folder), timeout=120, **options)


def environment(folder, **values):
    return {**os.environ, "PATH": f"{folder}/venv/bin:{os.environ['PATH']}", **values}


@contextmanager
def container(image):
    """The URL of the container's process, once its health check passes. It must stop by itself."""
    port = str(free_port())
    text = " ".join(arguments("ENV")).replace("/data", f"{image}/data").replace("8080", port)
    env = environment(image, **dict(word.split("=") for word in shlex.split(text)))
    _, *check = json.loads(re.findall("test: (.*)", COMPOSE)[0].replace("8080", port))
    with subprocess.Popen(json.loads(*arguments("CMD")), env=env, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: subprocess.run(check, env=env, capture_output=True).returncode == 0, seconds=20)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            assert process.wait(20) == 0


def in_container(image, command):
    """What a command of the page prints in the running container."""
    (line,) = [line for line in COMMANDS if f" acare acare {command} " in line]
    words = shlex.split(re.sub("/(data|backups)", rf"{image}/\1", line))
    words = words[words.index("acare") + 1 :]  # after the name of the service
    env = environment(image, ACARE_DATABASE=f"{image}/data/acare.db")
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout


def test_the_first_key_is_made_in_the_running_container(image):
    with container(image):
        assert re.fullmatch("[0-9a-f]{64}\n", in_container(image, "key create"))


@contextmanager
def timer(image, folder, url):
    """The process of the timer's container, at three o'clock. Yields the calls of the heartbeat."""
    calls = []

    def answer(request):
        calls.append(request.path)
        request.send_response(204)
        request.end_headers()

    programs = {
        "date": '[ "$2" = +%H ] && echo 03 || exec /bin/date "$@"',
        "sleep": f"touch {folder}/sleeps; exec /bin/sleep 60",
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    script = (
        (image / "usr" / "local" / "bin" / "acare-timer").read_text().replace("/backups", f"{image}/backups")
    )
    with serving_with(answer) as heartbeat:
        env = environment(
            image, ACARE_DATABASE=f"{image}/data/acare.db", ACARE_KEEP_DAYS="", HEARTBEAT=f"{heartbeat}/fine"
        )
        env["PATH"] = f"{folder}:{env['PATH']}"
        with subprocess.Popen(
            ["sh", "-c", script, "acare-timer", url], env=env, start_new_session=True
        ) as process:
            try:
                wait_for((folder / "sleeps").exists, seconds=30)
                yield calls
            finally:
                os.killpg(process.pid, signal.SIGKILL)


def test_the_timer_makes_a_backup_checks_and_calls_the_heartbeat(image, tmp_path):
    with container(image) as url:
        with timer(image, tmp_path, url) as calls:
            assert calls == ["/fine"]
        assert len(list((image / "backups").glob("*.db"))) == 1
    with timer(image, tmp_path, url) as calls:  # no server
        assert calls == []
    assert len(list((image / "backups").glob("*.db"))) == 1
    assert "Restored" in in_container(image, "restore")


def test_compose_reads_the_file_with_the_settings():
    env = {**os.environ, "ACARE_KEEP_DAYS": "730", "HEARTBEAT": "https://heartbeat.example/acare"}
    line = ["podman-compose", "--file", FOLDER / "compose.yaml", "config"]
    printed = subprocess.run(line, env=env, capture_output=True, text=True, check=True).stdout
    services = re.split(
        r"^  (\w+):$", printed.partition("services:")[2].partition("\nvolumes:")[0], flags=re.M
    )
    timer = services[services.index("timer") + 1]
    assert re.search("- acare-timer\n.*- http://acare:8080", timer)
    assert "HEARTBEAT: https://heartbeat.example/acare" in timer
    assert "HEARTBEAT" not in services[services.index("acare") + 1]
    for name in ("timer", "acare"):
        assert re.search("ACARE_KEEP_DAYS: '?730", services[services.index(name) + 1])


def test_the_user_is_not_root_and_owns_the_volume(image):
    name, _, uid, gid, _, home, _ = (image / "etc" / "passwd").read_text().strip().split(":")
    assert ([name], home) == (arguments("USER"), arguments("VOLUME")[0].split()[0])
    volume = (image / home.strip("/")).stat()
    assert (volume.st_uid, volume.st_gid) == (int(uid), int(gid)) != (0, 0)
