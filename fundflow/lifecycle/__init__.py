"""The engine on the database: one door through which state changes, its events, timers and audit."""
