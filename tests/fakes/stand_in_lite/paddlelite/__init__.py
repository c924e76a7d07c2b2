"""A stand-in for the package paddlelite 9.9; see tests/fakes/lite_x86.py."""
