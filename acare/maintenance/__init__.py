"""Work on complete database files: backup, restore, compaction and status."""
