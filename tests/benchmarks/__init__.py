"""``python -m tests.benchmarks``: acare against what its users would pick instead, in one run."""
