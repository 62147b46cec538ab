-- Calls and subscribers of different shape in one table.
SELECT call_id AS id, 'call' AS kind, seconds, started AS at FROM calls WHERE seconds > 300
UNION BY NAME
SELECT subscriber_id AS id, plan, 'subscriber' AS kind FROM subscribers
UNION ALL BY NAME
SELECT cell_id AS id, 'cell' AS kind, district AS plan FROM cells
