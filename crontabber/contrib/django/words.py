"""Translates answers of the core: manage.py's commands in place of the command line."""

import re

_COMMANDS = {
    "--backfill=NAME needs ": "cronbackfill NAME needs ",
    "--cancel-backfill=": "cronbackfill --cancel=",
    "--explain=": "cronexplain ",
    "--explain": "cronexplain",
    "--job=": "cronrun --job=",
    "--list-backfills": "cronbackfill --list",
    "--mark-success=": "cronmarksuccess ",
    "--nagios": "cronlist --nagios",
    "--reset-job=": "cronreset ",
    "--resume=": "cronresume ",
    "--retry=": "cronretry ",
    "--retry": "cronretry",
}
_PATTERN = re.compile(f"(crontabber )?({'|'.join(map(re.escape, _COMMANDS))})")


def in_django(text: str, *, quotes: bool = False) -> str:
    """*text* with ``manage.py cronretry NAME`` for ``--retry=NAME``, and so on.

    If it *quotes* others, such as the errors of jobs, only what begins with ``crontabber`` is
    meant.
    """

    def put(found: re.Match[str]) -> str:
        return f"manage.py {_COMMANDS[found[2]]}" if found[1] or not quotes else found[0]

    return _PATTERN.sub(put, text)
