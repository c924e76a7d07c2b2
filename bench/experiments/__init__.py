"""Use cases: what is measured, in which order, what is kept and resumed."""
