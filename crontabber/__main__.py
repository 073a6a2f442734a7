"""``python -m crontabber`` is the same as ``crontabber``."""

import sys

from .cli import main

sys.exit(main())
