"""Jobs over several hosts: Dask's `distributed` carries them, `bench run` measures each.

offers.py     what a machine has to offer: its CPU, its phones, its GPUs
jobs.py       a job: `bench run` at one target; how it is sent, and what comes back
host.py       a job on the machine that measures it
archive.py    a run's files on their way, checked when they arrive
worker.py, scheduler.py   the two programs that stay
settings.py   what keeps them quiet beside a measurement

`distributed` is an extra and is imported where it is used; nothing below this room knows of it.
"""
