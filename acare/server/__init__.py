"""The HTTP server: waitress, with the departures that README.md lists."""
