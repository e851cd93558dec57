"""The container in acare/cli/docs/install.md: each line works without an engine, below a folder."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import venv
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.page import examples
from support.sockets import wait_for

(CONTAINERFILE,) = examples("dockerfile")
WHEEL, BUILD, RUN, EXEC = examples("sh", "A container")[0].splitlines()
LINES = [line.partition(" ")[::2] for line in CONTAINERFILE.splitlines()]


def arguments(instruction):
    """What follows this instruction, for each line that has it."""
    return [text for name, text in LINES if name == instruction]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with what the lines COPY and RUN make; the image's Python is a virtual environment."""
    folder = tmp_path_factory.mktemp("image")
    left_out = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "dist")
    source = shutil.copytree(Path(__file__).parents[2], folder / "source", ignore=left_out)
    venv.create(folder / "venv", with_pip=True)
    run(folder, WHEEL, cwd=source)
    (folder / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (folder / "etc" / name).touch()
    for name, text in LINES:
        if name == "COPY":
            sources, target = text.split()
            (folder / target.strip("/")).mkdir()
            run(folder, f"cp {sources} {folder}{target}", cwd=source)
        elif name == "RUN":
            text = text.replace(" /wheels", f" {folder}/wheels").replace("useradd", f"useradd -P {folder}")
            run(folder, text, cwd=folder)
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
    (check,) = [text.partition("CMD ")[2].replace("8080", port) for text in arguments("HEALTHCHECK")]
    with subprocess.Popen(json.loads(*arguments("CMD")), env=env, stdout=subprocess.DEVNULL) as process:
        try:
            yield process, lambda: subprocess.run(json.loads(check), env=env, capture_output=True).returncode
        finally:
            process.kill()


def test_the_commands_of_podman_publish_the_port_and_keep_the_volume():
    """Against the manual of podman: the options, and the values that the lines must share."""
    assert shlex.split(BUILD) == ["podman", "build", "--tag", "acare", "."]
    assert shlex.split(RUN) == [
        *("podman", "run", "--detach", "--name", "acare"),
        *("--publish", "127.0.0.1:{0}:{0}".format(*arguments("EXPOSE"))),
        *("--volume", "acare:{}".format(*arguments("VOLUME")), "acare"),
    ]


def test_the_first_key_is_made_in_the_running_container(image):
    prefix, key_create = EXEC.split("podman exec acare ")
    assert prefix == ""
    with container(image) as (_, check):
        wait_for(lambda: check() == 0, seconds=20)
        env = environment(image, ACARE_DATABASE=f"{image}/data/acare.db")
        ended = subprocess.run(shlex.split(key_create), env=env, capture_output=True, text=True, check=True)
    assert re.fullmatch("[0-9a-f]{64}\n", ended.stdout)


def test_the_user_is_not_root_and_owns_the_volume(image):
    name, _, uid, gid, _, home, _ = (image / "etc" / "passwd").read_text().strip().split(":")
    assert ([name], [home]) == (arguments("USER"), arguments("VOLUME"))
    volume = (image / home.strip("/")).stat()
    assert (volume.st_uid, volume.st_gid) == (int(uid), int(gid)) != (0, 0)


def test_the_health_check_tells_whether_the_server_answers(image):
    with container(image) as (process, check):
        wait_for(lambda: check() == 0, seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert check() == 1


def test_the_port_that_is_exposed_is_the_one_that_is_served():
    assert arguments("EXPOSE") == re.findall(r"ACARE_LISTEN=0\.0\.0\.0:(\d+)", CONTAINERFILE)
