-- Where a product stood in a store or in the weekly mailer, and for which products a campaign gave coupons.
-- Weeks run from Monday to Sunday; week 1 holds only Sunday 2017-01-01. Location '0' means "not there".
SELECT
    product_id AS item_id,
    store_id,
    'placement' AS kind,
    nullif(display_location, '0') AS display,
    nullif(mailer_location, '0') AS mailer,
    NULL AS coupon_id,
    NULL AS campaign_id,
    DATE '2016-12-26' + (week::INTEGER - 1) * 7 AS start_day,
    DATE '2017-01-01' + (week::INTEGER - 1) * 7 AS end_day,
    _file,
    _line
FROM read_parquet('promotions.parquet')
UNION ALL
SELECT
    coupons.product_id,
    NULL,
    'coupon',
    NULL,
    NULL,
    coupons.coupon_upc,
    coupons.campaign_id,
    campaigns.start_date::DATE,
    campaigns.end_date::DATE,
    coupons._file,
    coupons._line
FROM read_parquet('coupons.parquet') AS coupons
LEFT JOIN read_parquet('campaign_descriptions.parquet') AS campaigns
    ON campaigns.campaign_id = coupons.campaign_id
