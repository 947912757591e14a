"""Reports: what a city promised, counted and spent, one grant at a time and over the portfolio."""
