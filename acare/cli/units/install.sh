#!/bin/sh
# Installs or upgrades acare with all its offices, as root, in a copy of the source:
#     sh acare/cli/units/install.sh
#     sh acare/cli/units/install.sh NAME PORT    # the same, and adds an office
# It can be run again at any time. With DESTDIR, it fills that folder and leaves users and systemd alone.
set -eu
umask 022
export LC_ALL=C

units=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR-}
venv=$root/opt/acare
system=$root/etc/systemd/system
step='reading the arguments' state='Nothing was changed.' without=
case $(systemctl --version) in 'systemd 2'[0-4]* | 'systemd 25'[0-4]*) without="/^# From systemd 255/,\$d" ;; esac

finish() {
    [ $? -eq 0 ] ||
        echo "install.sh: FAILED: $step. $state Correct the cause, and run the command again." >&2
}
trap finish EXIT

refuse() {
    step="$step: $1"
    exit 2
}

systemd() {
    [ -n "$root" ] || systemctl "$@"
}

# put MODE TARGET SOURCE...: writes a file of $office, which appears complete or not at all.
put() {
    mode=$1 target=$root$2 step="writing $2"
    shift 2
    mkdir -p "$(dirname "$target")"
    (cd "$units" && sed "s/@office@/$office/g; s/@version@/$version/g; s/@port@/$port/g; $without" "$@") \
        >"$target.new"
    chmod "$mode" "$target.new"
    mv "$target.new" "$target"
}

install_office() {
    for unit in acare acare-backup acare-check; do
        put 644 "/etc/systemd/system/$office${unit#acare}.service" "$unit.service" hardening.conf
    done
    for unit in -backup.timer -check.timer -alarm@.service; do
        put 644 "/etc/systemd/system/$office$unit" "acare$unit"
    done
    put 755 "/usr/local/bin/$office" acare
    [ -e "$root/etc/$office.env" ] || put 644 "/etc/$office.env" acare.env
    [ -e "$root/etc/$office-alarm" ] || put 600 "/etc/$office-alarm" alarm.env
    step="creating the user $office"
    [ -n "$root" ] || id "$office" >/dev/null 2>&1 ||
        useradd --system --home-dir "/var/lib/$office" --shell /usr/sbin/nologin "$office"
}

offices=acare added=acare port=8080
for timer in "$system"/acare-*-check.timer; do
    office=$(basename "$timer" -check.timer)
    [ ! -e "$timer" ] || offices="$offices $office"
done
if [ $# -gt 0 ]; then
    [ $# -eq 2 ] || refuse 'give none, or the name and the port of an office, such as: north 8082'
    case $1 in
        '' | [!a-z]* | *[!a-z0-9]* | ????????????????* | alarm | backup | backups | check)
            refuse "the name '$1' must be a short word of a to z and 0 to 9, but not alarm, backup or check" ;;
    esac
    { expr "$2" : '[1-9][0-9]\{3,4\}$' && [ "$2" -ge 1024 ] && [ "$2" -le 65535 ]; } >/dev/null ||
        refuse "the port '$2' must be a number from 1024 to 65535, such as 8082"
    added=acare-$1 port=$2
    for file in "$root"/etc/acare*.env; do
        listen=$(sed -n 's/^ACARE_LISTEN=.*://p' "$file" 2>/dev/null || :)
        [ "$file:$port" = "$root/etc/$added.env:${listen:-8080}" ] ||
            { [ "$file" != "$root/etc/$added.env" ] && [ "${listen:-8080}" != "$port" ]; } ||
            refuse "the port in $file is ${listen:-8080}"
    done
    case " $offices " in *" $added "*) ;; *) offices="$offices $added" ;; esac
fi

if [ -z "$root" ] && [ ! -e "/etc/$added.env" ]; then
    python3 -c 'import socket, sys; sys.exit(socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0)' "$port" ||
        refuse "another program uses the port $port; name another: ACARE_LISTEN in /etc/acare.env for the first office"
fi

step='pip (see above)' state="What ran still runs, but $venv may be incomplete."
if ! "$venv/bin/python" -Ic 'import pip' 2>/dev/null; then # none, or of an earlier Python
    python3 -m venv --clear "$venv"
fi
[ ! -e "$units/../../../pyproject.toml" ] || "$venv/bin/pip" install --quiet "$units/../../.."
state='The new program is in /opt/acare; some units may be old, and what ran still runs.'
version=$("$venv/bin/python" -Ic 'import acare; print(acare.__version__)')
for office in $offices; do
    if [ "$office" = "$added" ]; then port=${2-8080}; else port=8080; fi
    install_office
done
put 755 /usr/local/bin/acare-alarm acare-alarm
step='systemctl daemon-reload'
systemd daemon-reload
state='The new program and units are in place, but not all services have been restarted.'
for office in $offices; do
    step="starting $office.service (see: journalctl -u $office -u $office-backup)"
    how=try-restart
    [ -e "$root/var/lib/$office/acare.db" ] || how='enable --now'
    # shellcheck disable=SC2086 # two words
    systemd $how "$office.service" "$office-backup.timer" "$office-check.timer"
    ls "$root/var/lib/$office-backups/"*.db >/dev/null 2>&1 || systemd start "$office-backup.service" # for the check
done
echo "acare $version is installed: $offices"
grep -qs '^ALARM=.' "$root/etc/acare-alarm" "$root/etc/$added-alarm" ||
    echo "No alarm is configured yet: name a program in /etc/acare-alarm. Then check the service: $added status"
