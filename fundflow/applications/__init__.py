"""Applications: what a city writes, saves, attaches and sends."""
