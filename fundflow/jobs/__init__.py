"""Background work: an outbox table with leases, drained by a worker in the server or beside it.

A job exists when, and only when, the change that asked for it was committed.
"""

from fundflow.jobs.service import GiveUp, NotYet, enqueue, handler, retry

__all__ = ["GiveUp", "NotYet", "enqueue", "handler", "retry"]
