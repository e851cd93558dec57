"""Access to one SQLite file: connections, reading and writing, the WAL, the schema and its migrations."""
