"""Retention: policies, holds, and the prune that deletes what neither keeps.

Nothing is imported here: who only checks what a policy says needs no lake for that.
"""
