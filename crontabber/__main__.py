"""``python -m crontabber`` is the same as ``crontabber``.

It takes jobs from the working directory only if ``PYTHONPATH`` names that, as ``crontabber`` does.
"""

# ruff: noqa: PTH109

import os
import sys
from contextlib import suppress

with suppress(FileNotFoundError):  # the working directory is gone
    # Python put it there; to find us it has already looked there for its own modules.
    if not getattr(sys.flags, "safe_path", sys.flags.isolated) and sys.path[0] == os.getcwd():
        del sys.path[0]

from .cli import main

sys.exit(main())
