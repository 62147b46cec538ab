-- Some facts of a summary.
SELECT column_name, column_type, min, max, null_percentage FROM (SUMMARIZE invoices) WHERE column_name <> 'status' ORDER BY column_name
