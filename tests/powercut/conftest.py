"""The recorder is built by gcc and preloaded as Linux does it: elsewhere there is nothing to collect."""

import shutil
import sys

collect_ignore = [] if sys.platform == "linux" and shutil.which("gcc") else ["test_power_cut.py"]
