"""Workflows in the browser: their versions, drafts of new ones, what is wrong with a draft, and publishing by two."""
