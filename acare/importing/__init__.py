"""Import and export of clients: the readers and writers of files, and the importer, which writes the rows."""
