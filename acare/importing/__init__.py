"""Import and export of clients.

A reader yields the rows of a file; the importer validates, matches and writes them in one transaction.
"""
