-- What customers say about themselves: one row for each user that the source describes.
--
-- Where a source has several rows for a user the most frequent stays, of equals the first. Gaps are filled with
-- 'unknown' and named in `filled`. Users who bought but say nothing are not here; user_profiles has all.
--
-- column: user_id: the customer
-- column: age_group: as the source groups ages
-- column: income_group: as the source groups incomes
-- column: household_size: how many live together, as the source groups it
-- column: household_type: who lives together
-- column: home_ownership: owner, renter, …
-- column: marital_status: as the source says
-- column: children: how many, as the source groups it
-- column: country: where the customer lives
-- column: filled: the names of the columns that the row left empty and that are 'unknown' here
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    user_id,
    coalesce(nullif(trim(age_group::VARCHAR), ''), 'unknown') AS age_group,
    coalesce(nullif(trim(income_group::VARCHAR), ''), 'unknown') AS income_group,
    coalesce(nullif(trim(household_size::VARCHAR), ''), 'unknown') AS household_size,
    coalesce(nullif(trim(household_type::VARCHAR), ''), 'unknown') AS household_type,
    coalesce(nullif(trim(home_ownership::VARCHAR), ''), 'unknown') AS home_ownership,
    coalesce(nullif(trim(marital_status::VARCHAR), ''), 'unknown') AS marital_status,
    coalesce(nullif(trim(children::VARCHAR), ''), 'unknown') AS children,
    coalesce(nullif(trim(country::VARCHAR), ''), 'unknown') AS country,
    list_concat(
        CASE WHEN coalesce(trim(age_group::VARCHAR), '') = '' THEN ['age_group'] ELSE [] END,
        CASE WHEN coalesce(trim(income_group::VARCHAR), '') = '' THEN ['income_group'] ELSE [] END,
        CASE WHEN coalesce(trim(household_size::VARCHAR), '') = '' THEN ['household_size'] ELSE [] END,
        CASE WHEN coalesce(trim(household_type::VARCHAR), '') = '' THEN ['household_type'] ELSE [] END,
        CASE WHEN coalesce(trim(home_ownership::VARCHAR), '') = '' THEN ['home_ownership'] ELSE [] END,
        CASE WHEN coalesce(trim(marital_status::VARCHAR), '') = '' THEN ['marital_status'] ELSE [] END,
        CASE WHEN coalesce(trim(children::VARCHAR), '') = '' THEN ['children'] ELSE [] END,
        CASE WHEN coalesce(trim(country::VARCHAR), '') = '' THEN ['country'] ELSE [] END
    )::VARCHAR[] AS filled,
    _file,
    _line
FROM checked_users
WHERE reason IS NULL
