"""Awards and their documents: what the fund resolved, and the agreement both sides sign."""
