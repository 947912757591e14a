"""Money: the ledger of each round and the payments made from it."""
