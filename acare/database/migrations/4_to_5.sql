-- From schema 4 (0.2.0) to schema 5 (0.3.0).
-- New tables need no statement: they are created from schema.sql. So are the changed triggers.

-- The words by which clients are found have changed: the index is created again, and filled.
DROP TABLE clients_search;

DELETE FROM clients_to_index;
