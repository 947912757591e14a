"""Payments: what was ordered and sent to cities, and the pages of the money."""
