-- Every row of raw_promotions once, as it is, with the reason for its rejection, or NULL. Copies of a row are
-- not found here but in promotions, since that takes a pass over all rows.
SELECT
    item_id,
    store_id,
    kind,
    display,
    mailer,
    coupon_id,
    campaign_id,
    start_day,
    end_day,
    _file,
    _line,
    _fault,
    _row,
    struct_pack(
        item_id := item_id, store_id := store_id, kind := kind, display := display, mailer := mailer,
        coupon_id := coupon_id, campaign_id := campaign_id, start_day := start_day, end_day := end_day
    ) AS raw,
    CASE
        WHEN _fault IS NOT NULL THEN 'malformed row'
        WHEN clean_id(item_id) IS NULL THEN 'missing item id'
        WHEN NOT coalesce(year(TRY_CAST(start_day AS DATE)) BETWEEN 1 AND 9999, false) THEN 'start day is not a day'
        WHEN NOT coalesce(year(TRY_CAST(end_day AS DATE)) BETWEEN 1 AND 9999, false) THEN 'end day is not a day'
        WHEN TRY_CAST(end_day AS DATE) < TRY_CAST(start_day AS DATE) THEN 'it ends before it starts'
    END AS reason
FROM raw_promotions
