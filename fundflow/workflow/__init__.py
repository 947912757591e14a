"""The engine, pure: a workflow file is loaded, checked, decided upon and drawn here, without a database or the web."""
