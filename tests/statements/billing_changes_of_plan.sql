-- Each change of plan with what came before, only where something changed.
SELECT customer_id, valid_from AS changed_on, lag(plan) OVER w AS old_plan, plan AS new_plan,
  fee - lag(fee) OVER w AS difference, first_value(plan) OVER w AS first_plan,
  row_number() OVER w AS number
FROM plan_periods
WINDOW w AS (PARTITION BY customer_id ORDER BY valid_from)
QUALIFY old_plan IS DISTINCT FROM new_plan AND number > 1
ORDER BY customer_id, changed_on
