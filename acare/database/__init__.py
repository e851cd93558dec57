"""Access to one SQLite file, independent of its content.

``connection`` opens connections, ``file`` accepts or refuses a file, ``writer`` commits, ``log`` checkpoints,
``log_recovery`` handles failed syncs, and ``database`` provides reads and writes. ``schema`` compares a file
with schema.sql, ``migrations`` migrates it.
"""
