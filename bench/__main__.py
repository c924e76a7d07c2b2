"""`python -m bench`."""

import sys

from bench.cli.bootstrap import ensure

if __name__ == "__main__":
    ensure("bench")
    from bench.cli.main import main

    sys.exit(main(sys.argv[1:]))
