"""The phone's state and identity, asked of a `Device` that the caller opened.

identity.py    what it is: facts, its name in tables, which cores are the big ones
conditions.py  how it is just now, in one round trip
throttling.py  whether heat held a session back; pure, standard library only
preflight.py   what rules a phone out, and what is only worth a note
gate.py        wait until it is cool
lock.py        one run a phone
workspace.py   the harness's own folder on it: push, verify, clean up
sysfs.py       how its files come over          storage.py  how much room it has
agent_*.py     what the device program prints: a line's fields, the events in their order, a session
               of one model (lines) or of two (pair), the threads that worked (tasks)
benchmark_bin.py  what Paddle Lite's own tool prints
"""
