"""Statistics, verdicts, grades and audits: pure functions over stored values."""
