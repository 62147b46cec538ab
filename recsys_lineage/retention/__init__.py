"""Retention: policies, holds, and the prune that deletes versions kept by neither.

Nothing is imported here, because checking a policy needs no lake.
"""
