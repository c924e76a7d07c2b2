"""Child processes: start one, talk to it, judge how it ended; git."""
