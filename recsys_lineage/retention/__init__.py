"""What of a lake is kept, and for how long: policies, holds, and the prune that deletes the rest.

Nothing is imported here: who only checks what a policy says needs no lake for that.
"""
