"""`python -m bench`."""

import sys

from bench.interpreter import ensure

if __name__ == "__main__":
    ensure("bench")
    from bench.cli import main

    sys.exit(main(sys.argv[1:]))
