"""Background work: an outbox table with leases, drained by a worker in the server or beside it."""
