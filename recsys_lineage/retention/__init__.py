"""What of a lake is kept, and for how long: policies, holds, and the prune that deletes the rest.

Nothing is imported here: settings check what `RECSYS_RETENTION` says, and need no lake for that.
"""
