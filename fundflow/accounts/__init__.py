"""People, the cities they act for, and the groups of the fund."""
