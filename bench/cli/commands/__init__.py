"""The verbs of `python -m bench`, one file each: `run(options, tables) -> exit status`."""
