"""How the documentation is built: `make docs`."""

import re
from pathlib import Path

_INIT = Path(__file__).parents[1] / "crontabber" / "__init__.py"

project = "crontabber"
author = "the crontabber authors"
release = re.findall(r'__version__ = "(.+)"', _INIT.read_text(encoding="utf-8"))[0]
version = release

extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True
linkcheck_retries = 3
linkcheck_timeout = 30  # seconds

html_theme = "furo"
html_title = f"crontabber {release}"
html_copy_source = False
html_show_sphinx = False
pygments_style = "default"
smartquotes = False  # they would make one dash of the two before an option
