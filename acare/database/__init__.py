"""Access to one SQLite file: connections, reading and writing, the log, the schema and its migrations."""
