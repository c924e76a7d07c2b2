"""A small results folder with fixed figures, and the pages that it must give, to the byte.

A change of a page that is meant: `python -m tests.golden.renew`, then read `git diff` line by line.
"""
