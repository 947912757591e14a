"""The bank accounts of cities: kept unreadable, verified by telephone, changed slowly; and who was screened."""
