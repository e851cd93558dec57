"""The containers in acare/cli/container, without an engine: the lines of Containerfile are run."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.page import examples, replaced
from support.sockets import wait_for

FOLDER = Path(__file__).parents[2] / "acare" / "cli" / "container"
COMPOSE = (FOLDER / "compose.yaml").read_text()
STAGES = [
    [line.partition(" ")[::2] for line in f"FROM{stage}".splitlines()]
    for stage in (FOLDER / "Containerfile").read_text().split("\nFROM")[1:]
]
COMMANDS = examples("sh", "A container")[0].splitlines()


def arguments(instruction):
    """What follows this instruction in the last stage, for each line that has it."""
    return [text for name, text in STAGES[-1] if name == instruction]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with what COPY and RUN make, each stage with a new environment of Debian's Python."""
    source = FOLDER.parents[2]
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
                run(folder, f"cp -R {' '.join(files)} {folder}{target}", cwd=source)
            elif name == "RUN":
                text = re.sub(" /(wheels|source)", rf" {folder}/\1", text)
                run(folder, text.replace("useradd", f"useradd -P {folder}"), cwd=folder)
        source = folder
    return folder


def run(folder, line, **options):
    subprocess.run(line, shell=True, check=True, env=environment(folder), timeout=120, **options)


def environment(folder, **values):
    return {**os.environ, "PATH": f"{folder}/venv/bin:{os.environ['PATH']}", **values}


@contextmanager
def container(image):
    """The process of the container, and the command of its health check."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    text = " ".join(arguments("ENV")).replace("/data", f"{image}/data").replace("8080", port)
    env = environment(image, **dict(word.split("=") for word in shlex.split(text)))
    _, *check = json.loads(re.findall("test: (.*)", COMPOSE)[0].replace("8080", port))
    with subprocess.Popen(json.loads(*arguments("CMD")), env=env, stdout=subprocess.DEVNULL) as process:
        try:
            yield process, lambda: subprocess.run(check, env=env, capture_output=True).returncode
        finally:
            process.kill()


def in_container(image, command):
    """What a command of the page prints in the running container."""
    (line,) = [line for line in COMMANDS if f" acare acare {command} " in line]
    words = shlex.split(line.replace("/data", f"{image}/data"), comments=True)
    assert words[:4] == ["podman", "compose", "exec", "acare"]
    env = environment(image, ACARE_DATABASE=f"{image}/data/acare.db")
    return subprocess.run(words[4:], env=env, capture_output=True, text=True, check=True).stdout


def test_the_files_share_the_volume_the_port_and_the_address_of_caddy():
    """Against the manual of Compose."""
    assert re.findall('"acare:(.*)"', COMPOSE) == arguments("VOLUME")
    assert re.findall("ACARE_TRUSTED_PROXY: (.*)", COMPOSE) == re.findall("ipv4_address: (.*)", COMPOSE)
    assert re.findall(r"ACARE_LISTEN=0\.0\.0\.0:(\d+)", *arguments("ENV")) == arguments("EXPOSE")
    (on_the_page,) = re.findall("<<END\n(.*)END", examples("sh", "A service")[-1], re.DOTALL)
    upstream = f"acare:{arguments('EXPOSE')[0]}"
    assert (FOLDER / "Caddyfile").read_text() == replaced(on_the_page, {"127.0.0.1:8080": upstream})


def test_the_first_key_and_a_backup_are_made_in_the_running_container(image):
    with container(image) as (_, check):
        wait_for(lambda: check() == 0, seconds=20)
        assert re.fullmatch("[0-9a-f]{64}\n", in_container(image, "key create"))
        assert Path(in_container(image, "backup").strip()).parent == image / "data" / "backups"


def test_the_user_is_not_root_and_owns_the_volume(image):
    name, _, uid, gid, _, home, _ = (image / "etc" / "passwd").read_text().strip().split(":")
    assert ([name], [home]) == (arguments("USER"), arguments("VOLUME"))
    volume = (image / home.strip("/")).stat()
    assert (volume.st_uid, volume.st_gid) == (int(uid), int(gid)) != (0, 0)


def test_the_health_check_fails_if_the_server_is_down(image):
    with container(image) as (process, check):
        wait_for(lambda: check() == 0, seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert check() == 1
