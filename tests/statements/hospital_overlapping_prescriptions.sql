-- The same drug prescribed twice at a time within a stay.
SELECT a.stay_id, a.drug, a.prescription_id AS first_id, b.prescription_id AS second_id, least(a.started + a.days, b.started + b.days) - greatest(a.started, b.started) AS days
FROM prescriptions AS a
JOIN prescriptions AS b
    ON b.stay_id = a.stay_id AND b.drug = a.drug AND b.prescription_id > a.prescription_id
    AND b.started < a.started + a.days AND a.started < b.started + b.days
