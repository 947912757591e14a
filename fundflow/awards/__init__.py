"""Awards and their documents: what the fund resolved, and the agreement, letters and amendments that say so."""
