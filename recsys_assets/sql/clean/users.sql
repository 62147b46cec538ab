-- What customers say about themselves: one row for each user that the source describes.
--
-- Where a source has several rows for a user, the one known first is kept, if the source says since when; otherwise the
-- most frequent one, and the first of equals. Gaps are filled with 'unknown' and named in `filled`. Users who bought but
-- are not described are not here; user_profiles has all.
--
-- column: user_id: the customer [pii, person]
-- column: age_group: as the source groups ages [pii]
-- column: income_group: as the source groups incomes [pii]
-- column: household_size: number of people in the household, as the source groups it [pii]
-- column: household_type: who lives together [pii]
-- column: home_ownership: owner, renter, … [pii]
-- column: marital_status: as the source says [pii]
-- column: children: number of children, as the source groups it [pii]
-- column: country: where the customer lives [pii]
-- column: filled: names of the columns that were empty in the row and are 'unknown' here
-- column: known_from: since when this is known, where the source says so: models see it from then on
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    user_id,
    coalesce(age_group, 'unknown') AS age_group,
    coalesce(income_group, 'unknown') AS income_group,
    coalesce(household_size, 'unknown') AS household_size,
    coalesce(household_type, 'unknown') AS household_type,
    coalesce(home_ownership, 'unknown') AS home_ownership,
    coalesce(marital_status, 'unknown') AS marital_status,
    coalesce(children, 'unknown') AS children,
    coalesce(country, 'unknown') AS country,
    list_concat(
        CASE WHEN age_group IS NULL THEN ['age_group'] ELSE [] END,
        CASE WHEN income_group IS NULL THEN ['income_group'] ELSE [] END,
        CASE WHEN household_size IS NULL THEN ['household_size'] ELSE [] END,
        CASE WHEN household_type IS NULL THEN ['household_type'] ELSE [] END,
        CASE WHEN home_ownership IS NULL THEN ['home_ownership'] ELSE [] END,
        CASE WHEN marital_status IS NULL THEN ['marital_status'] ELSE [] END,
        CASE WHEN children IS NULL THEN ['children'] ELSE [] END,
        CASE WHEN country IS NULL THEN ['country'] ELSE [] END
    )::VARCHAR[] AS filled,
    known_time AS known_from,
    _file,
    _line
FROM checked_users
WHERE reason IS NULL
