"""The installed package `bench` by itself: a child's PYTHONPATH names the folder above.

No other package of the harness's site-packages can be imported from there.
"""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[3])]
