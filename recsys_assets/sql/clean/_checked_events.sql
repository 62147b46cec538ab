-- Every row of raw_events once, typed, with the reason for its rejection, or NULL.
--
-- The order of the reasons is the order in which a person would look: is it a row, whose and of what is it, can
-- its values be read, do they lie where they can, was it here already, is it a return.
WITH typed AS NOT MATERIALIZED (
    SELECT
        _file,
        _line,
        _day,
        _fault,
        _row,
        _event_id,
        struct_pack(
            event_time := event_time, user_id := user_id, item_id := item_id, order_id := order_id,
            behaviour := behaviour, quantity := quantity, unit_price := unit_price, amount := amount,
            discount := discount, store_id := store_id, subset := subset, line_id := line_id
        ) AS raw,
        CASE WHEN line_id IS NULL THEN _row_hash END AS rest,
        local_time(event_time) AS event_time,
        clean_id(user_id) AS user_id,
        clean_id(item_id) AS item_id,
        clean_id(order_id) AS order_id,
        lower(clean_text(behaviour)) AS behaviour,
        nullif(TRY_CAST(quantity AS DOUBLE), 'NaN'::DOUBLE) AS quantity,
        nullif(TRY_CAST(unit_price AS DOUBLE), 'NaN'::DOUBLE) AS unit_price,
        nullif(TRY_CAST(amount AS DOUBLE), 'NaN'::DOUBLE) AS amount,
        nullif(TRY_CAST(discount AS DOUBLE), 'NaN'::DOUBLE) AS discount,
        clean_id(store_id) AS store_id,
        subset::VARCHAR AS subset
    FROM raw_events
),

judged AS NOT MATERIALIZED (
    SELECT
        *,
        CASE
            WHEN _fault IS NOT NULL THEN 'malformed row'
            WHEN user_id IS NULL THEN 'missing user id'
            WHEN item_id IS NULL THEN 'missing item id'
            WHEN $non_products IS NOT NULL AND regexp_full_match(item_id, $non_products) THEN 'not a product'
            WHEN event_time IS NULL AND NOT regexp_matches(trim(raw.event_time::VARCHAR), $no_value)
                THEN 'event time cannot be read'
            WHEN event_time IS NULL AND NOT $undated THEN 'event time is missing'
            WHEN event_time IS NOT NULL AND (
                event_time::DATE <> _day OR event_time::DATE NOT BETWEEN $earliest_day AND $latest_day
            ) THEN 'event time is outside the data''s range'
            WHEN quantity IS NULL AND NOT regexp_matches(trim(raw.quantity::VARCHAR), $no_value)
                THEN 'quantity is not a number'
            WHEN unit_price IS NULL AND NOT regexp_matches(trim(raw.unit_price::VARCHAR), $no_value)
                THEN 'unit price is not a number'
            WHEN amount IS NULL AND NOT regexp_matches(trim(raw.amount::VARCHAR), $no_value)
                THEN 'amount is not a number'
            WHEN discount IS NULL AND NOT regexp_matches(trim(raw.discount::VARCHAR), $no_value)
                THEN 'discount is not a number'
            WHEN quantity = 0 THEN 'quantity is zero'
            WHEN NOT abs(quantity) <= $largest_quantity THEN 'quantity is out of range'
            WHEN unit_price < 0 THEN 'unit price is below zero'
            WHEN NOT unit_price <= $largest_price THEN 'unit price is out of range'
            WHEN NOT abs(amount) <= $largest_price * $largest_quantity THEN 'amount is out of range'
            WHEN amount < 0 AND coalesce(quantity, 1) > 0 AND behaviour IS DISTINCT FROM 'return'
                THEN 'amount is below zero'
            WHEN NOT abs(discount) <= $largest_price * $largest_quantity THEN 'discount is out of range'
        END AS reason
    FROM typed
),

-- a copy is a whole row of a file again, or a line's own number again where the source gives one, on the same day: where
-- files hold no times, equal rows of two days' files are events of both. Where lists are taken apart, equal rows of one
-- row of a file are a product that its list names several times. Few rows have a copy, so only rows whose hash is not
-- alone are compared in full.
repeated AS MATERIALIZED (
    SELECT hash(raw, rest, _event_id, _day) AS raw_hash FROM judged WHERE reason IS NULL GROUP BY hash(raw, rest, _event_id, _day) HAVING count(*) > 1
),

suspects AS MATERIALIZED (
    SELECT
        *,
        CASE WHEN CASE WHEN $rows_are_parts THEN dense_rank() OVER first_to_last ELSE row_number() OVER first_to_last END > 1
            THEN first_value(_file || ':' || _line) OVER first_to_last
        END AS copy_of
    FROM judged
    WHERE reason IS NULL AND hash(raw, rest, _event_id, _day) IN (SELECT raw_hash FROM repeated)
    WINDOW first_to_last AS (PARTITION BY raw, rest, _event_id, _day ORDER BY starts_with(_file, 'landing/'), _file, _line)
),

-- an event of the service that is also in the shop's files counts once, as in the files; clocks may differ, so events
-- within a day are the same
told AS MATERIALIZED (
    SELECT user_id, item_id, behaviour, event_time, _event_id FROM judged WHERE reason IS NULL AND _event_id IS NOT NULL
),

brought AS MATERIALIZED (
    SELECT told._event_id, min(own._file || ':' || own._line) AS place
    FROM judged AS own
    INNER JOIN told ON told.user_id = own.user_id AND told.item_id = own.item_id
    WHERE
        own.reason IS NULL
        AND own._event_id IS NULL
        AND coalesce(own.behaviour, $default_behaviour) = told.behaviour
        AND own.event_time BETWEEN told.event_time - INTERVAL 1 DAY AND told.event_time + INTERVAL 1 DAY
    GROUP BY told._event_id
),

counted AS NOT MATERIALIZED (
    SELECT judged.*, brought.place AS copy_of
    FROM judged
    LEFT JOIN brought ON brought._event_id = judged._event_id
    WHERE judged.reason IS NOT NULL OR hash(judged.raw, judged.rest, judged._event_id, judged._day) NOT IN (SELECT raw_hash FROM repeated)
    UNION ALL
    SELECT * FROM suspects
),

returns AS MATERIALIZED (
    SELECT user_id, item_id, event_time, order_id, coalesce(abs(quantity), 1) AS quantity, subset, _file, _line
    FROM counted
    WHERE reason IS NULL AND copy_of IS NULL AND (quantity < 0 OR behaviour = 'return')
),

-- a return belongs to the customer's latest earlier purchase of the item that was large enough for it; where it names an
-- order, to that of this order
matched AS (
    SELECT
        returns.user_id,
        returns.item_id,
        returns.event_time,
        returns.quantity,
        returns.subset,
        returns._file,
        returns._line,
        max(struct_pack(
            is_named := coalesce(purchases.order_id = returns.order_id, FALSE),
            event_time := purchases.event_time, order_id := purchases.order_id, _file := purchases._file,
            _line := purchases._line, quantity := coalesce(purchases.quantity, 1)
        )) AS best
    FROM returns
    INNER JOIN counted AS purchases
        ON purchases.user_id = returns.user_id
        AND purchases.item_id = returns.item_id
        AND purchases.event_time <= returns.event_time
        AND coalesce(purchases.quantity, 1) >= returns.quantity
    WHERE purchases.reason IS NULL AND purchases.copy_of IS NULL AND purchases.behaviour IS DISTINCT FROM 'return'
    GROUP BY
        returns.user_id, returns.item_id, returns.event_time, returns.quantity, returns.subset, returns._file,
        returns._line
),

-- no more comes back of a purchase than was bought; earlier returns count first
settled AS MATERIALIZED (
    SELECT
        *,
        sum(quantity::DECIMAL(18, 4)) OVER (
            PARTITION BY user_id, item_id, purchase ORDER BY event_time, _file, _line ROWS UNBOUNDED PRECEDING
        ) <= purchase.quantity AS fits
    FROM (
        SELECT
            user_id, item_id, event_time, quantity, subset, _file, _line,
            struct_pack(
                event_time := best.event_time, order_id := best.order_id, _file := best._file, _line := best._line,
                quantity := best.quantity
            ) AS purchase
        FROM matched
    )
),

-- what else is known of a row: it is a settled return, or a purchase of which some came back
marks AS (
    SELECT
        user_id, item_id, event_time, quantity, _file, _line, NULL::DOUBLE AS returned_quantity,
        NULL::STRUCT(event_time TIMESTAMP, quantity DOUBLE, subset VARCHAR)[] AS returns,
        coalesce(purchase.order_id, '(none)') || ', ' || purchase._file || ':' || purchase._line AS purchase
    FROM settled
    WHERE fits
    UNION ALL
    SELECT
        user_id, item_id, purchase.event_time, purchase.quantity, purchase._file, purchase._line,
        sum(quantity::DECIMAL(18, 4))::DOUBLE,
        list(
            struct_pack(event_time := event_time, quantity := quantity, subset := subset)
            ORDER BY event_time, _file, _line
        ),
        NULL
    FROM settled
    WHERE fits
    GROUP BY user_id, item_id, purchase
)

SELECT
    counted.event_time,
    counted._day,
    counted.user_id,
    counted.item_id,
    counted.order_id,
    counted.behaviour,
    counted.quantity,
    counted.unit_price,
    counted.amount,
    counted.discount,
    counted.store_id,
    counted.subset,
    coalesce(marks.returned_quantity, 0) AS returned_quantity,
    marks.returns,
    counted._file,
    counted._line,
    counted.raw,
    counted._row,
    CASE
        WHEN counted.reason IS NOT NULL THEN counted.reason
        WHEN counted.copy_of IS NOT NULL AND counted._event_id IS NOT NULL THEN 'event that the files have too'
        WHEN counted.copy_of IS NOT NULL THEN 'exact duplicate'
        WHEN marks.purchase IS NOT NULL THEN 'return of a purchase'
        WHEN counted.quantity < 0 OR counted.behaviour = 'return' THEN 'return without a purchase'
    END AS reason,
    CASE
        WHEN counted.copy_of IS NOT NULL AND counted._event_id IS NOT NULL
            THEN 'the same as ' || counted.copy_of || ', within a day'
        WHEN counted.copy_of IS NOT NULL THEN 'the same row as ' || counted.copy_of
        WHEN marks.purchase IS NOT NULL THEN 'return of order ' || marks.purchase
        WHEN counted.reason IS NULL AND (counted.quantity < 0 OR counted.behaviour = 'return') THEN
            'no earlier purchase of item ' || counted.item_id || ' by user ' || counted.user_id
            || ' is large enough for ' || coalesce(abs(counted.quantity), 1)
        WHEN counted.reason = 'malformed row' THEN counted._fault
        WHEN counted.reason = 'not a product' THEN 'item id ' || counted.item_id || ' is on the source''s list'
        WHEN counted.reason = 'event time is outside the data''s range'
            THEN 'event time is ' || counted.event_time || ', its file holds ' || counted._day
        WHEN starts_with(counted.reason, 'event time')
            THEN 'event time is ' || coalesce('''' || counted.raw.event_time || '''', 'empty')
        WHEN counted.reason = 'quantity is out of range'
            THEN 'quantity is ''' || counted.raw.quantity || ''', and largest_quantity of source.toml is ' || $largest_quantity::DECIMAL(38, 2)
        WHEN starts_with(counted.reason, 'quantity') THEN 'quantity is ''' || counted.raw.quantity || ''''
        WHEN counted.reason = 'unit price is out of range'
            THEN 'unit price is ''' || counted.raw.unit_price || ''', and largest_price of source.toml is ' || $largest_price::DECIMAL(38, 2)
        WHEN starts_with(counted.reason, 'unit price') THEN 'unit price is ''' || counted.raw.unit_price || ''''
        WHEN starts_with(counted.reason, 'amount') THEN 'amount is ''' || counted.raw.amount || ''''
        WHEN starts_with(counted.reason, 'discount') THEN 'discount is ''' || counted.raw.discount || ''''
        ELSE counted.reason
    END AS detail
FROM counted
LEFT JOIN marks
    ON marks.user_id = counted.user_id
    AND marks.item_id = counted.item_id
    AND marks.event_time = counted.event_time
    AND marks.quantity = coalesce(abs(counted.quantity), 1)
    AND marks._file = counted._file
    AND marks._line = counted._line
    AND counted.reason IS NULL
    AND counted.copy_of IS NULL
