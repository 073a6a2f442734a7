#!/bin/bash
# Runs crontabber from anywhere, as cron needs it:
#
#   crontabber_wrapper.sh                 with crontabber.ini
#   crontabber_wrapper.sh A               with crontabber.A.ini
#   crontabber_wrapper.sh [A] --list-jobs with whatever options crontabber has
#
# It takes no lock: crontabber claims each job in the database before it runs it.
set -euo pipefail

HOMEDIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
VENV="${VENV:-$HOMEDIR/../.venv}" # where crontabber is installed

config="$HOMEDIR/crontabber.ini"
if [[ $# -gt 0 && $1 != -* ]]; then
    config="$HOMEDIR/crontabber.$1.ini"
    shift
fi

if [[ ! -x "$VENV/bin/crontabber" ]]; then
    echo >&2 "$0: crontabber is not installed in $VENV; make venv does that, or set VENV"
    exit 1
fi
cd "$HOMEDIR" # the jobs write their files here
export PATH="$VENV/bin:$PATH"
export PYTHONPATH="$HOMEDIR${PYTHONPATH:+:$PYTHONPATH}" # and their package is here
exec crontabber --admin.conf="$config" "$@"
