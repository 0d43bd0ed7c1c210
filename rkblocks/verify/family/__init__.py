"""Families: their cells, and what holds of every member: SSP coefficient, rho, region, least growth, a bound."""
