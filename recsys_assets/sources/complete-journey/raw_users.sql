-- What 801 of the households said about themselves.
SELECT
    household_id AS user_id,
    age AS age_group,
    income AS income_group,
    household_size,
    household_comp AS household_type,
    home_ownership,
    marital_status,
    kids_count AS children,
    _file,
    _line
FROM read_parquet('demographics.parquet')
