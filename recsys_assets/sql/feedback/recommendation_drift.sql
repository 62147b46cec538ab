-- Drift of a night's recommendations from those of the eight nights before by the same family, column by column.
--
-- Thresholds are learned as for `drift_report`: a measure alarms if it is further above its median of the last 56
-- nights than six times the spread of its upper half there. Before two weeks are known nothing alarms. Scores of two
-- families cannot be compared, so a night with another champion alarms once, by `family`, and is compared with nothing.
--
-- column: version: version of `recommendations`
-- column: night: when that version was written (UTC)
-- column: column_name: the item and its groups, the score at a rank, the length of lists, cold; `lists` and `family` of all
-- column: measure: distribution, volume or another one
-- column: value: distribution: the Jensen-Shannon distance from the eight nights before, 0 to 1; volume: how far from their median, as a logarithm; another one: 1 where the champion's family is not that of the night before
-- column: threshold: value above which the measure alarms; NULL while it is being learned
-- column: psi: population stability index of a distribution; above 0.25 is usually called a shift
-- column: most_moved: the value whose share changed most
-- column: share_before: that value's share in the eight nights before
-- column: share_now: its share in this night
-- column: family: the champion's family of this night
-- column: alarm: whether the value is above the threshold
WITH nights AS (
    SELECT
        version,
        night,
        family,
        row_number() OVER (ORDER BY version) AS number,
        lag(family) OVER (ORDER BY version) AS family_before
    FROM (SELECT DISTINCT version, night, family FROM recommendation_profiles)
),

bins AS (
    SELECT column_name, family, bin FROM recommendation_profiles GROUP BY column_name, family, bin
),

cells AS (
    SELECT b.column_name, b.bin, n.version, n.family, n.number, coalesce(p.lists, 0) AS lists
    FROM bins AS b
    INNER JOIN nights AS n ON n.family = b.family
    LEFT JOIN recommendation_profiles AS p
        ON p.column_name = b.column_name AND p.bin = b.bin AND p.version = n.version
),

usual_cells AS (
    SELECT
        *,
        coalesce(sum(lists) OVER (
            PARTITION BY column_name, bin, family ORDER BY number ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING
        ), 0) AS lists_before
    FROM cells
),

cells_with_totals AS (
    SELECT
        *,
        sum(lists) OVER same_night AS of_night,
        sum(lists_before) OVER same_night AS of_before,
        count(*) OVER same_night AS bins
    FROM usual_cells
    WHERE lists > 0 OR lists_before > 0
    WINDOW same_night AS (PARTITION BY column_name, version)
),

shares AS (
    SELECT
        *,
        (lists + 0.5) / (of_night + 0.5 * bins) AS now,
        (lists_before + 0.5) / (of_before + 0.5 * bins) AS usual
    FROM cells_with_totals
    WHERE of_before > 0
),

volumes AS (
    SELECT
        n.version,
        n.family,
        n.number,
        sum(p.lists) AS lists,
        median(sum(p.lists)) OVER (ORDER BY n.number ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING) AS usual
    FROM nights AS n
    INNER JOIN recommendation_profiles AS p ON p.version = n.version
    WHERE p.column_name = 'length'
    GROUP BY n.version, n.family, n.number
),

measured AS (
    SELECT
        version,
        number,
        family,
        column_name,
        'distribution' AS measure,
        sqrt(greatest(0, sum(
            now * log2(2 * now / (now + usual)) + usual * log2(2 * usual / (now + usual)) ORDER BY bin
        ) / 2)) AS value,
        0.02 AS least,
        sum((now - usual) * ln(now / usual) ORDER BY bin) AS psi,
        first(bin ORDER BY abs(now - usual) DESC, bin) AS most_moved,
        first(usual ORDER BY abs(now - usual) DESC, bin) AS share_before,
        first(now ORDER BY abs(now - usual) DESC, bin) AS share_now
    FROM shares
    GROUP BY version, number, family, column_name
    UNION ALL
    SELECT version, number, family, 'lists', 'volume', abs(ln(lists / usual)), 0.1, NULL, NULL, NULL, NULL
    FROM volumes
    WHERE usual > 0
    UNION ALL
    SELECT
        version, number, family, 'family', 'another one', (family <> family_before)::DOUBLE, 0.1, NULL, family, NULL,
        NULL
    FROM nights
    WHERE family_before IS NOT NULL
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
            WHEN measure = 'another one' AND nights_known >= 14 THEN 0.5
            WHEN nights_known >= 14 THEN middle + 6 * greatest((high - middle) / 1.2816, least / 4)
        END AS threshold
    FROM learned
)

SELECT
    j.version,
    n.night,
    j.column_name,
    j.measure,
    j.value,
    j.threshold,
    j.psi,
    j.most_moved,
    j.share_before,
    j.share_now,
    j.family,
    coalesce(j.value > j.threshold, false) AS alarm
FROM judged AS j
INNER JOIN nights AS n ON n.version = j.version
