-- Columns of all numbers as rows, by a pattern.
SELECT * FROM (SELECT "Maß", "min.wert", "max.wert" FROM "Größen") UNPIVOT INCLUDE NULLS (wert FOR art IN (COLUMNS('.*wert'))) ORDER BY ALL
