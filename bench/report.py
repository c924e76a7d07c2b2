"""`python -m bench.report`: the same as `python -m bench report`, and the functions behind both."""

from __future__ import annotations

import sys

from bench.cli.bootstrap import ensure

if __name__ == "__main__":
    ensure("bench.report")
    from bench.cli.main import main

    sys.exit(main(["report", *sys.argv[1:]]))
