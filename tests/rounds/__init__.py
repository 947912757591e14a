"""Rounds: wall times, plans, publishing, cloning, and the pages."""
