-- When and where an item was promoted: a place on display or in the mailer of a store for some days, or a coupon.
--
-- Exact copies of a row are left out; the first, by file and line, is kept and names the others in `copies`. They are
-- found by counting 32-bit hashes, and only rows whose hash is repeated are compared in full.
--
-- column: item_id: the product
-- column: store_id: the store, or NULL for all
-- column: kind: placement or coupon, as the source says
-- column: display: place of the display in the store, in the source's code; NULL without a display
-- column: mailer: place in the mailer, in the source's code; NULL where it was not in it
-- column: coupon_id: the coupon, for coupons
-- column: campaign_id: the campaign, where there is one
-- column: start_day: its first day
-- column: end_day: its last day
-- column: copies: file:line of each exact copy of this row, NULL without copies
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
WITH hashed AS NOT MATERIALIZED (
    SELECT
        *,
        (hash(item_id, store_id, kind, display, mailer, coupon_id, campaign_id, start_day, end_day) >> 32)::UINTEGER
            AS half_hash
    FROM checked_promotions
),

repeated AS (
    SELECT half_hash FROM hashed GROUP BY half_hash HAVING count(*) > 1
),

-- whether a hash is repeated is asked here, below what is typed, so that few rows are typed to be compared
typed AS NOT MATERIALIZED (
    SELECT
        clean_id(item_id) AS item_id,
        clean_id(store_id) AS store_id,
        nullif(trim(kind::VARCHAR), '') AS kind,
        clean_text(display) AS display,
        clean_text(mailer) AS mailer,
        clean_id(coupon_id) AS coupon_id,
        clean_id(campaign_id) AS campaign_id,
        TRY_CAST(start_day AS DATE) AS start_day,
        TRY_CAST(end_day AS DATE) AS end_day,
        half_hash IN (SELECT half_hash FROM repeated) AS repeats,
        _file,
        _line,
        raw
    FROM hashed
    WHERE reason IS NULL
),

suspects AS (
    SELECT
        *,
        row_number() OVER first_to_last AS copy,
        count(*) OVER (PARTITION BY raw) AS times,
        list(_file || ':' || _line) OVER (
            PARTITION BY raw ORDER BY starts_with(_file, 'landing/'), _file, _line
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS places
    FROM typed
    WHERE repeats
    WINDOW first_to_last AS (PARTITION BY raw ORDER BY starts_with(_file, 'landing/'), _file, _line)
)

SELECT
    item_id, store_id, kind, display, mailer, coupon_id, campaign_id, start_day, end_day,
    NULL::VARCHAR[] AS copies, _file, _line
FROM typed
WHERE NOT repeats
UNION ALL
SELECT
    item_id, store_id, kind, display, mailer, coupon_id, campaign_id, start_day, end_day,
    CASE WHEN times > 1 THEN places[2:] END AS copies, _file, _line
FROM suspects
WHERE copy = 1
