"""The machine at hand: facts, state, and the files of /proc and /sys."""
