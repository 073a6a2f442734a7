"""The person at the command line, as others will read it later."""

import os


def person() -> str:
    """The user and host, such as ``anna@db1``; behind sudo the user who called it."""
    name = os.environ.get("SUDO_USER") or _login_name()
    return f"{name}@{os.uname().nodename}"


def _login_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container
        return str(os.geteuid())
