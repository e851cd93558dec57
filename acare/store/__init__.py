"""The data layer: the only code that knows sqlite3.

``file`` opens a database file or refuses it, ``writer`` commits, ``database`` puts both behind two verbs,
read and write. ``clients`` and ``keys`` hold every statement.
"""
