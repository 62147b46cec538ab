-- When and where an item was promoted: a place on display or in the mailer of a store for some days, or a coupon.
--
-- Exact copies of a row are left out; the first, by file and line, stays and names the others in `copies`. They are
-- found by a count of 32-bit hashes, and only rows whose hash is not alone are compared in full.
--
-- column: item_id: the product
-- column: store_id: the store, or NULL for all
-- column: kind: placement or coupon, as the source says
-- column: display: where in the store it stood, in the source's code; NULL where it did not
-- column: mailer: where in the mailer it was, in the source's code; NULL where it was not
-- column: coupon_id: the coupon, for coupons
-- column: campaign_id: the campaign, where there is one
-- column: start_day: its first day
-- column: end_day: its last day
-- column: copies: file:line of each exact copy of this row, NULL where there is none
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
WITH repeated AS (
    SELECT half_hash FROM checked_promotions GROUP BY half_hash HAVING count(*) > 1
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
    FROM checked_promotions
    WHERE reason IS NULL AND half_hash IN (SELECT half_hash FROM repeated)
    WINDOW first_to_last AS (PARTITION BY raw ORDER BY starts_with(_file, 'landing/'), _file, _line)
)

SELECT
    item_id, store_id, kind, display, mailer, coupon_id, campaign_id, start_day, end_day,
    NULL::VARCHAR[] AS copies, _file, _line
FROM checked_promotions
WHERE reason IS NULL AND half_hash NOT IN (SELECT half_hash FROM repeated)
UNION ALL
SELECT
    item_id, store_id, kind, display, mailer, coupon_id, campaign_id, start_day, end_day,
    CASE WHEN times > 1 THEN places[2:] END AS copies, _file, _line
FROM suspects
WHERE copy = 1
