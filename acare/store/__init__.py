"""The data layer: the only code that knows sqlite3.

``file`` opens a database file or refuses it, ``writer`` commits, ``database`` puts both behind two verbs,
read and write. ``clients``, ``idempotency``, ``history`` and ``keys`` hold the statements; ``backup`` and
``upgrade`` take care of a file as a whole.
"""
