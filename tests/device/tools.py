"""Shell scripts that answer as a phone's own tools would: bin/ stands first in PATH.

$STANDIN is the folder that holds what they print, written by phone.py.
"""

from __future__ import annotations

# A phone has them; here they would reach this machine's own processes, or this machine.
REFUSED = ("pkill", "killall", "reboot", "stop", "start", "svc", "su", "mount", "umount")

_REFUSAL = 'echo "${0##*/}: not on the stand-in" >&2; exit 127\n'

_GETPROP = """\
if [ $# -eq 0 ]; then
    exec sed 's/^\\([^=]*\\)=\\(.*\\)$/[\\1]: [\\2]/' "$STANDIN/properties"
fi
while IFS='=' read -r name value; do
    if [ "$name" = "$1" ]; then echo "$value"; exit; fi
done < "$STANDIN/properties"
echo "${2-}"
"""

_DUMPSYS = """\
if [ -f "$STANDIN/dumpsys/$1" ]; then exec cat "$STANDIN/dumpsys/$1"; fi
echo "Can't find service: $1" >&2
"""

_SETTINGS = """\
if [ "$1" = get ] && [ -f "$STANDIN/settings/$2.$3" ]; then
    exec cat "$STANDIN/settings/$2.$3"
fi
echo null
"""

_TOYBOX = 'exec "$@"\n'

_DF = 'exec cat "$STANDIN/df"\n'

# Prints the file that holds the named file's own bytes: see programs.py.
_REAL = """\
line=
if [ -f "$1" ]; then
    line=$(sed -n '2{s/^# stand-in runs //p;q;}' "$1" 2>/dev/null)
fi
printf '%s\\n' "${line:-$1}"
"""

_SHA256SUM = """\
PATH=${PATH#*:}
status=0 brief=
for name do
    if [ "$name" = -b ]; then brief=1; continue; fi
    file=$("$STANDIN/bin/real" "$name")
    sum=$(sha256sum < "$file") || { status=1; continue; }
    if [ -n "$brief" ]; then echo "${sum%% *}"; continue; fi
    printf '%s  %s\\n' "${sum%% *}" "${name#"${STANDIN%/.standin}"}"
done
exit $status
"""

# The size of a program is that of its own bytes.
_ON_REAL_FILES = """\
tool=${0##*/}
PATH=${PATH#*:}
for word do
    shift
    set -- "$@" "$("$STANDIN/bin/real" "$word")"
done
exec "$tool" "$@"
"""

# What qemu runs is the program; the link itself leads to qemu.
_READLINK = """\
PATH=${PATH#*:}
for last do :; done
link=$(readlink "$@") || exit
case "$last $link" in
/proc/*/exe\\ */qemu-aarch64*)
    name=$(tr '\\0' '\\n' < "${last%exe}cmdline" | sed -n 3p)
    case "$name" in
    /*) ;;
    *) name=$(readlink "${last%exe}cwd")/${name#./} ;;
    esac
    link=$name ;;
esac
printf '%s\\n' "$link"
"""

_SCRIPTS = {
    "getprop": _GETPROP,
    "dumpsys": _DUMPSYS,
    "settings": _SETTINGS,
    "toybox": _TOYBOX,
    "df": _DF,
    "real": _REAL,
    "sha256sum": _SHA256SUM,
    "stat": _ON_REAL_FILES,
    "wc": _ON_REAL_FILES,
    "readlink": _READLINK,
    **dict.fromkeys(REFUSED, _REFUSAL),
}

SCRIPTS = {name: f"#!/bin/sh\n{text}" for name, text in _SCRIPTS.items()}
