"""``python -m tests.benchmarks``: acare compared with the alternatives, in one run."""
