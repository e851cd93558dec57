"""The alarm, on a machine with systemd: what is mailed, and when."""

import re

from support.http import serving_with
from support.machine import booted, mails_of, subjects
from support.page import PAGE, examples
from support.sockets import wait_for

INSTALL, ALARM, _ = examples("sh", "A service")
START = INSTALL + ALARM
(NORTH,) = examples("sh", "Several offices")


def test_a_failing_backup_calls_a_url_with_the_reason(machine):
    posted = []

    def answer(request):
        posted.append(request.rfile.read(int(request.headers["Content-Length"])))
        request.send_response(204)
        request.end_headers()

    (program,) = re.findall("`(curl .*) https://alarms.example/acare`", PAGE)
    with serving_with(answer) as url:
        (machine / "etc" / "acare-alarm").write_text(f"ALARM={program} {url}\n")
        with booted(machine, "acare-backup.service", namespaces=()):
            wait_for(lambda: posted, seconds=60)
    assert re.match(b"Subject: acare on .*: (?:/.*: )?the database does not exist", posted[0])


CHECK = """
    touch /run/begun; systemctl reset-failed; systemctl start acare-check.service || true
    until [ /var/lib/acare-alarm/acare-check.failed -nt /run/begun ]; do sleep 0.1; done
    flock /var/lib/acare-alarm/lock true # the alarm holds it until its end
"""


def test_new_problems_are_sent_at_once_others_daily_and_their_end(machine):
    with booted(machine) as run:
        run(START + "systemctl start acare-alarm@test.service" + CHECK)
        run("rm /var/lib/acare-backups/*" + CHECK + CHECK)
        run("touch -d yesterday /var/lib/acare-alarm/sent" + CHECK)
        run("systemctl stop acare.service" + CHECK + CHECK)
        run("systemctl start acare.service acare-backup.service" + CHECK + CHECK)
        run("rm /var/lib/acare-backups/*; systemctl stop acare.service" + CHECK)
    none = "there is no backup in /var/lib/acare-backups"
    sent = [subject.partition(": GET")[0] for subject in subjects(machine)]
    assert sent == ["a trial", "a trial", none, none, "server", "over: server", "server"]
    assert "/readyz" not in re.sub("server: GET .*", "", mails_of(machine))  # no access lines


def test_only_a_fine_check_of_its_office_calls_the_heartbeat(machine):
    calls = machine / "mnt" / "calls"
    with (machine / "etc" / "acare-alarm").open("a") as settings:
        settings.write("HEARTBEAT=http://127.0.0.1:9000/fine\n")
    with booted(machine) as run:
        listen = "nsenter --net=/proc/1/ns/net python3 -m http.server --directory /mnt 9000"
        run(f"touch /mnt/fine; (exec {listen} >/dev/null 2>/mnt/calls </dev/null) &")
        run(START + CHECK)
        assert calls.read_text().count("GET /fine") == 1
        run(NORTH + CHECK.replace("acare-", "acare-north-"))
        run("rm /var/lib/acare-backups/*" + CHECK)
        assert calls.read_text().count("GET /fine") == 1


def test_a_program_with_the_rights_of_its_owner_gets_the_mail(machine):
    """As sendmail of an MTA, which writes to a queue that only its user may write to."""
    with booted(machine) as run:
        run("mount -t tmpfs -o suid none /mnt && install -d -o mail -m 700 /mnt/queue")
        run("install -o mail -m 4755 /usr/bin/tee /mnt/sendmail")
        run("echo 'ALARM=/mnt/sendmail /mnt/queue/mail' >/etc/acare-alarm")
        run(INSTALL + "systemctl start acare-alarm@test.service")
        assert run("cat /mnt/queue/mail").startswith("Subject: acare on ")
