"""The engine for programs: the same decisions and commands as on the pages, as JSON below /api/v1."""
