"""A guard over a group of processes, which kills them if we are killed.

The system can do this for a single process only, which would leave what a shell has started. The
guard is a shell that waits for a line from us. Our end of its pipe is closed when we are gone,
no matter how.
"""

import contextlib
import subprocess

_SCRIPT = (
    "trap '' HUP INT TERM; "  # cron, say, may signal all that it started
    'read -r group && { read -r over || kill -s KILL -- "-$group"; }'
)


class Guard:
    """Kills a group of processes as soon as this process has ended without `release`."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def watch(self, group: int) -> None:
        """Watch the group with this number."""
        self._say(f"{group}\n")

    def dismiss(self) -> None:
        """Let the group live, if it does, from now on; may be said twice."""
        pipe = self._shell.stdin
        if pipe and not pipe.closed:
            self._say("over\n")
            pipe.close()
        self._shell.wait()

    def _say(self, word: str) -> None:
        if self._shell.stdin:
            with contextlib.suppress(BrokenPipeError):  # it was killed
                self._shell.stdin.write(word.encode())
