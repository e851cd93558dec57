-- A total that is not the number of clients, or clients without a total.
SELECT 'the total of ' || user_id || ', ' || client_type || ', ' || status
FROM client_totals AS totals
WHERE total <> (
    SELECT count(*)
    FROM clients
    WHERE user_id = totals.user_id AND client_type = totals.client_type AND status = totals.status
)
UNION ALL
SELECT 'the totals, which lack clients'
WHERE (SELECT count(*) FROM clients) <> (SELECT coalesce(sum(total), 0) FROM client_totals);

-- A stored JSON that differs from the columns.
SELECT 'the JSON of the client ' || id
FROM clients
WHERE json IS NOT {json};

-- An earlier version that is not JSON, has an unknown field, or is not of its client and version or a known owner.
SELECT 'the version ' || version || ' of the client ' || client_id
FROM client_history
WHERE NOT json_valid(json)
    OR json_remove(json, {paths}) <> json_object(
        'id', client_id, 'user_id', (SELECT id FROM users WHERE id = json ->> '$.user_id'), 'version', version
    );

-- A response that is not JSON, has an unknown field, or is not of its client or a known owner.
SELECT 'the response for the idempotency key ' || key
FROM idempotency_keys
WHERE NOT json_valid(json)
    OR json_remove(json, {paths}, '$.version') <> json_object(
        'id', client_id, 'user_id', (SELECT id FROM users WHERE id = json ->> '$.user_id')
    );

-- Clients whose current version and owner the feed of changes lacks.
SELECT 'the feed of changes, which lacks ' || missing || ' clients'
FROM (
    SELECT (SELECT count(*) FROM clients) - count(DISTINCT seq) AS missing
    FROM client_changes AS change
    CROSS JOIN clients ON clients.id = client_id -- in the order of the changes, which is mostly that of the clients
    WHERE removed_at IS NULL AND clients.version = change.version AND clients.user_id = change.user_id
)
WHERE missing <> 0;

-- A change of an unknown user, or of a client that neither exists nor was removed.
SELECT 'the change ' || revision
FROM client_changes AS change
LEFT JOIN clients ON clients.id = client_id
WHERE change.user_id NOT IN (SELECT id FROM users)
    OR removed_at IS NULL AND clients.id IS NULL AND NOT EXISTS (
        SELECT 1
        FROM client_changes AS removal
        WHERE removal.client_id = change.client_id AND removal.removed_at IS NOT NULL
    );
