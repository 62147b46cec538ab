-- Bits of phases, and sums of powers, from lists in structs.
SELECT meter, list_reduce(list_transform(tags.phases, lambda p: (1 << p)), lambda a, b: a | b, 0) AS bits, list_contains(tags.phases, 2) AS has_two, coalesce(len(tags.phases), 0) AS n
FROM meters ORDER BY meter
