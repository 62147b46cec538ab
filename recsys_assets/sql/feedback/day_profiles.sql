-- Profiles of the last days' events: for every column, the number of the day's events by value.
--
-- Numbers fall into ranges that double in two steps, so that a range does not depend on other days; of texts the fifty
-- most frequent values of all these days have a row each, and the others one together. Missing values have one too.
--
-- column: night: the day of the events
-- column: column_name: the column that is counted: of events, or of the items and users that they name
-- column: bin: a value, the lower end of a range of numbers, (missing) or (other)
-- column: events: number of the day's events with such a value
-- column: new_events: those of them whose value occurs on no earlier one of these days
WITH days AS (
    SELECT DISTINCT day FROM events ORDER BY day DESC LIMIT $days
),

described AS (
    SELECT
        e.day,
        e.behaviour,
        e.store_id,
        extract(hour FROM e.event_time)::VARCHAR AS hour,
        CASE WHEN e.quantity > 0 THEN round(2 ^ (floor(2 * log2(e.quantity)) / 2), 3)::VARCHAR END AS quantity,
        CASE WHEN e.unit_price > 0 THEN round(2 ^ (floor(2 * log2(e.unit_price)) / 2), 3)::VARCHAR END AS unit_price,
        CASE WHEN e.discount IS NOT NULL THEN (e.discount <> 0)::VARCHAR END AS discounted,
        (e.order_id IS NOT NULL)::VARCHAR AS has_order,
        i.department,
        i.category,
        i.brand,
        u.country,
        u.age_group
    FROM events AS e
    SEMI JOIN days ON e.day = days.day
    LEFT JOIN items AS i ON e.item_id = i.item_id
    LEFT JOIN users AS u ON e.user_id = u.user_id
),

counted AS (
    SELECT day, column_name, coalesce(value, '(missing)') AS value, count(*) AS events
    FROM described
    UNPIVOT INCLUDE NULLS (
        value FOR column_name IN (
            behaviour, store_id, hour, quantity, unit_price, discounted, has_order, department, category, brand,
            country, age_group
        )
    )
    GROUP BY day, column_name, value
),

ranked AS (
    SELECT
        column_name,
        value,
        min(day) AS first_day,
        row_number() OVER (PARTITION BY column_name ORDER BY sum(events) DESC, value) AS place
    FROM counted
    GROUP BY column_name, value
)

SELECT
    c.day AS night,
    c.column_name,
    CASE WHEN r.place <= 50 OR c.value = '(missing)' THEN c.value ELSE '(other)' END AS bin,
    sum(c.events)::BIGINT AS events,
    coalesce(sum(c.events) FILTER (WHERE c.day = r.first_day), 0)::BIGINT AS new_events
FROM counted AS c
INNER JOIN ranked AS r ON c.column_name = r.column_name AND c.value = r.value
GROUP BY ALL
