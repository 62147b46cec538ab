-- A document for each voyage: nested structs of its containers, and what is read out of them again.
WITH documents AS (
    SELECT
        v.voyage_id,
        {
            'vessel': v.vessel_id,
            'times': {'out': v.departed, 'in': v.arrived},
            'boxes': list(struct_pack(id := c.container_id, kg := c.weight_kg) ORDER BY c.container_id)
        } AS document
    FROM voyages AS v
    INNER JOIN containers AS c ON c.voyage_id = v.voyage_id
    GROUP BY v.voyage_id, v.vessel_id, v.departed, v.arrived
)
SELECT
    voyage_id,
    document,
    document.times.out::DATE AS sailing_day,
    documents.document.times['in'] - document.times.out AS at_sea,
    list_sum([box.kg FOR box IN document.boxes]) AS total_kg
FROM documents
