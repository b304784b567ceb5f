"""The fixtures of these tests; what the tests import by name is in tabletests.py, since other folders have a conftest too."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tabletests import *  # noqa: E402, F403
