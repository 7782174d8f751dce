"""``python -m jupyter_autocoder.app``: the same as ``jupyter autocoder``."""

from __future__ import annotations

import sys

from jupyter_autocoder.app import main

sys.exit(main())
