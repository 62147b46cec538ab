-- An expression over several columns at once, in items and in WHERE.
SELECT "Maß", COLUMNS('(min|max).wert') * 2, coalesce(*COLUMNS(['max.wert', 'min.wert'])) AS one FROM "Größen" WHERE COLUMNS(['min.wert', 'max.wert']) IS NOT NULL ORDER BY "Maß"
