"""argv -> one call of a verb; the only place that prints an error or decides an exit status.

Statuses: 0 well, 1 a cell has no figure, or `audit` or `verify` found a fault, or a cell is slower,
or nothing fits what `recommend` is asked for, 2 an error (one sentence on stderr), 3 a comparison
that bears no verdict, 130 interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from bench.cli.options import make_parser
from bench.core.errors import BenchError

if TYPE_CHECKING:
    from bench.experiments.context import Tables


def main(argv: Sequence[str], tables: Tables | None = None) -> int:
    """Carry out `argv`; print what a BenchError says and return its status."""
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a dash, and no more
    try:
        return _carry_out(argv, tables)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return error.exit_status
    except BrokenPipeError:  # the reader has left, as `head` does: so does what is still buffered
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # the last resort: a file that no verb took care of
        named = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"bench: {named}{error.strerror}: check the path, its permissions and the space left\n"
        )
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nbench: interrupted\n")
        return 130


def console() -> NoReturn:
    """Carry out the command line of the installed program `bench`."""
    sys.exit(main(sys.argv[1:]))


def _interrupt(*_: object) -> NoReturn:
    """End a run that is told to end as Ctrl-C does: its child ended, what was measured kept."""
    raise KeyboardInterrupt


def _carry_out(argv: Sequence[str], tables: Tables | None) -> int:
    """Return the verb's status; a closed pipe shows here, not while the interpreter leaves."""
    try:
        status = _dispatch(argv, tables)
    except SystemExit:  # --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def _dispatch(argv: Sequence[str], tables: Tables | None) -> int:
    parser = make_parser()
    arguments = parser.parse_args(list(argv))
    if arguments.verb is None:
        parser.print_help()
        return 0
    # Past the help: what follows loads pydantic and more.
    from bench.cli.flag_values import to_options
    from bench.experiments.context import Tables

    options = to_options(arguments, argv)
    verb = importlib.import_module(f"bench.cli.commands.{arguments.verb}")
    status: int = verb.run(options, tables or Tables())
    return status
