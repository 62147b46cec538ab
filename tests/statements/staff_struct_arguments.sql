-- Structs packed, changed, taken apart and compared.
SELECT staff_id, s.role, struct_insert(s, n := staff_id).n AS n, struct_extract(s, 'team') AS team, s = {'role': 'lead', 'team': 'north'} AS is_lead, s['role'] AS again
FROM (SELECT staff_id, since, {'role': role, 'team': team} AS s FROM staff_history) ORDER BY staff_id, since
