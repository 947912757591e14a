"""Reviews: assignment, conflicts of interest, score sheets and quorum."""
