"""Stored results as tables for other programs: what each column is, its rows, and a DataFrame."""
