"""Import and export of clients: a reader yields the rows of a file, and the importer writes them."""
