"""The HTTP server: waitress, with the changes that ``README.md`` lists."""
