"""Money in accounts: every movement of a donor's line, appended and never changed."""
