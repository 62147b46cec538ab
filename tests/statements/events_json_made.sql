-- Documents made from rows: objects, arrays and groups of them.
SELECT user_key, to_json(list(json_object('id', event_id, 'kind', kind) ORDER BY event_id)) AS events, to_json({'n': count(*), 'first': min(event_id)}) AS facts, json_merge_patch('{"v": 1}', to_json({'u': user_key})) AS meta
FROM app_events WHERE kind IN ('add', 'buy') GROUP BY user_key ORDER BY user_key
