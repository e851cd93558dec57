"""What is collected here."""

import os

# It needs code generators, in the folder that the variable names; .ci/run installs them.
collect_ignore = [] if "ACARE_TEST_GENERATORS" in os.environ else ["test_generated_clients.py"]
