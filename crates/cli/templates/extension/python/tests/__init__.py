"""Tests outside of a component, with the package in `vendor/`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "vendor" / "agentapi-extension"))
