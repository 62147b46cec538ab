-- A view for a ward: stays with the doctor's speciality or that of the supervisor.
SELECT
    s.stay_id,
    coalesce(d.speciality, boss.speciality, 'general') AS speciality,
    nullif(w.ward, 'maternity') AS ward,
    ifnull(p.insurer, 'self') AS payer,
    len(s.diagnoses) AS diagnoses,
    s.diagnoses[1] AS main_diagnosis,
    s.diagnoses[2:] AS other_diagnoses
FROM stays s
LEFT JOIN doctors d ON d.doctor_id = s.doctor_id
LEFT JOIN doctors boss ON boss.doctor_id = d.supervisor_id
LEFT JOIN wards w ON w.ward_id = s.ward_id
LEFT JOIN patients p ON p.patient_id = s.patient_id
