"""Plots of the report, drawn by matplotlib."""
