"""Parts of a record: reads, checks, digests, withheld values, the run, and failures."""
