"""An Android device's identity and state, read through a `Device` that the caller opened.

identity.py    what it is: facts, its name in tables, which cores are the big ones
state.py       its state just now, in one round trip
throttling.py  whether heat held a session back; pure, standard library only
preflight.py   what rules a device out, and what is only worth a note
cooldown.py    wait until it is cool
lock.py        one run a device
workspace.py   the harness's own folder on it: push, verify, clean up; how much room is free
sysfs.py       how its files come over
"""
