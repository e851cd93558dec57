"""The HTTP server: waitress, and what differs from it. ``README.md`` has the table of the differences."""
