"""What is collected here."""

import os

# These drive a real Chromium, which .ci/run installs; the variable names a folder with axe-core in it.
collect_ignore = [] if "ACARE_TEST_BROWSER" in os.environ else ["browser"]
