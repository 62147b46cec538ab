-- Phases of meters as rows with positions, from lists in structs.
SELECT m.meter, m.tags.site AS site, u.phase, u.place
FROM meters m, unnest(m.tags.phases) WITH ORDINALITY AS u(phase, place) ORDER BY m.meter, u.place
