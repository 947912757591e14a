"""fundflow: a grant engine for city funds."""
