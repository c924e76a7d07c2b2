"""Interpreters by name, built from locked requirements."""
