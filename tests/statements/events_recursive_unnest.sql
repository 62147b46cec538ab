-- Nested structs taken apart to the bottom.
SELECT event_id, unnest(from_json(payload, '{"screen": "VARCHAR", "ab": {"group": "VARCHAR", "seen": "INTEGER"}}'), recursive := true)
FROM app_events WHERE kind = 'add' ORDER BY event_id
