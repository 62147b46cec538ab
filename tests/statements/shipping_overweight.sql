-- Voyages whose containers weigh more than was declared.
SELECT v.voyage_id, v.cargo_tonnes, packed.tonnes, packed.boxes
FROM voyages AS v,
    (SELECT voyage_id, sum(weight_kg) / 1000 AS tonnes, count(*) AS boxes FROM containers GROUP BY voyage_id) AS packed
WHERE packed.voyage_id = v.voyage_id AND packed.tonnes > v.cargo_tonnes
