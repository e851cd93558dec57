"""Import and export of clients.

A reader yields the rows of a file, each of which validates itself; the importer writes them in one transaction.
"""
