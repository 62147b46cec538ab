"""Group feedback: exposures, customers' actions, reports of experiments, and drift."""
