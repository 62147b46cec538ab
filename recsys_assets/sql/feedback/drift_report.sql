-- Drift of a day's events from those of the same weekday in the four weeks before, column by column.
--
-- Thresholds are learned: a measure alarms if it is further above its median of the last eight weeks than six times the
-- spread of its upper half there. Before two weeks are known nothing alarms.
--
-- column: night: the day of the events
-- column: column_name: the column; `events` for the number of events
-- column: measure: distribution, missing, new values or volume
-- column: value: distribution and missing: the Jensen-Shannon distance from the four same weekdays before, 0 to 1; new values: the share of events; volume: how far from the same weekdays of the eight weeks before, as a logarithm
-- column: threshold: value above which the measure alarms; NULL while it is being learned
-- column: psi: population stability index of a distribution; above 0.25 is usually called a shift
-- column: most_moved: the value whose share changed most
-- column: share_before: that value's share on the four same weekdays before
-- column: share_now: its share on this day
-- column: events: number of events of this day
-- column: alarm: whether the value is above the threshold
WITH nights AS (
    SELECT night, row_number() OVER (ORDER BY night) AS number
    FROM (SELECT DISTINCT night FROM day_profiles)
),

bins AS (
    SELECT DISTINCT column_name, bin FROM day_profiles
),

cells AS (
    SELECT
        b.column_name,
        b.bin,
        n.night,
        n.number,
        coalesce(p.events, 0) AS events,
        coalesce(p.new_events, 0) AS new_events
    FROM bins AS b
    CROSS JOIN nights AS n
    LEFT JOIN day_profiles AS p ON p.column_name = b.column_name AND p.bin = b.bin AND p.night = n.night
),

usual_cells AS (
    SELECT
        *,
        coalesce(sum(events) OVER (
            PARTITION BY column_name, bin, dayofweek(night) ORDER BY number ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING
        ), 0) AS events_before
    FROM cells
),

cells_with_totals AS (
    SELECT
        *,
        sum(events) OVER same_night AS of_night,
        sum(events_before) OVER same_night AS of_before,
        count(*) OVER same_night AS bins
    FROM usual_cells
    WINDOW same_night AS (PARTITION BY column_name, night)
),

shares AS (
    SELECT
        *,
        (events + 0.5) / (of_night + 0.5 * bins) AS now,
        (events_before + 0.5) / (of_before + 0.5 * bins) AS usual
    FROM cells_with_totals
    WHERE of_night > 0 AND of_before > 0
),

distances AS (
    SELECT
        night,
        number,
        column_name,
        any_value(of_night)::BIGINT AS events,
        sqrt(greatest(0, sum(
            now * log2(2 * now / (now + usual)) + usual * log2(2 * usual / (now + usual)) ORDER BY bin
        ) / 2)) AS distribution,
        sum((now - usual) * ln(now / usual) ORDER BY bin) AS psi,
        max(CASE WHEN bin = '(missing)' THEN now ELSE 0 END) AS missing,
        max(CASE WHEN bin = '(missing)' THEN usual ELSE 0 END) AS missing_before,
        sum(new_events) / any_value(of_night) AS new_values,
        first(bin ORDER BY abs(now - usual) DESC, bin) AS most_moved,
        first(usual ORDER BY abs(now - usual) DESC, bin) AS share_before,
        first(now ORDER BY abs(now - usual) DESC, bin) AS share_now
    FROM shares
    GROUP BY night, number, column_name
),

volumes AS (
    SELECT
        n.night,
        n.number,
        sum(p.events)::BIGINT AS events,
        median(sum(p.events)) OVER (
            PARTITION BY dayofweek(n.night) ORDER BY n.number ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING
        ) AS usual
    FROM nights AS n
    INNER JOIN day_profiles AS p ON p.night = n.night
    WHERE p.column_name = 'behaviour'
    GROUP BY n.night, n.number
),

measured AS (
    SELECT
        night, number, column_name, 'distribution' AS measure, distribution AS value, 0.02 AS least, psi,
        most_moved, share_before, share_now, events
    FROM distances
    UNION ALL
    SELECT
        night, number, column_name, 'missing',
        sqrt(greatest(0, (
            missing * log2(2 * missing / (missing + missing_before))
            + missing_before * log2(2 * missing_before / (missing + missing_before))
            + (1 - missing) * log2(2 * (1 - missing) / (2 - missing - missing_before))
            + (1 - missing_before) * log2(2 * (1 - missing_before) / (2 - missing - missing_before))
        ) / 2)),
        0.02, NULL, '(missing)', missing_before, missing, events
    FROM distances
    WHERE missing > 0 AND missing < 1 AND missing_before > 0 AND missing_before < 1
    UNION ALL
    SELECT night, number, column_name, 'new values', new_values, 0.005, NULL, NULL, 0, new_values, events
    FROM distances
    UNION ALL
    SELECT night, number, 'events', 'volume', abs(ln(events / usual)), 0.1, NULL, NULL, NULL, NULL, events
    FROM volumes
    WHERE usual > 0
),

learned AS (
    SELECT
        *,
        median(value) OVER past AS middle,
        quantile_cont(value, 0.9) OVER past AS high,
        count(*) OVER past AS nights_known
    FROM measured
    WINDOW past AS (PARTITION BY column_name, measure ORDER BY number ROWS BETWEEN 56 PRECEDING AND 1 PRECEDING)
),

judged AS (
    SELECT
        *,
        CASE
            WHEN nights_known >= 14 THEN middle + 6 * greatest((high - middle) / 1.2816, least / 4)
        END AS threshold
    FROM learned
)

SELECT
    night,
    column_name,
    measure,
    value,
    threshold,
    psi,
    most_moved,
    share_before,
    share_now,
    events,
    coalesce(value > threshold, false) AS alarm
FROM judged
