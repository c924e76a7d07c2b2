"""Verdicts of a comparison: table, markdown, JSON, JUnit and GitHub annotations."""
