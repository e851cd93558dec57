"""Access to one SQLite file, independent of its content."""
