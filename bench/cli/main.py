"""argv -> one call of a verb; the only place that prints an error or decides an exit status.

`bench.cli.statuses` says what each status means.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NoReturn

import click
from click.exceptions import Exit
from click.shell_completion import shell_complete

from bench import __version__
from bench.cli.commands import VERBS
from bench.cli.options import COMMON
from bench.cli.to_options import to_options
from bench.core.errors import BenchError, InputError, UnknownName
from bench.core.output import say, say_command, suit_encoding
from bench.core.program import program
from bench.launcher.process import SEE_LOG

if TYPE_CHECKING:
    from bench.experiments.context import Options, Tables

_COMPLETE = "_BENCH_COMPLETE"


def main(argv: Sequence[str], tables: Tables | None = None) -> int:
    """Carry out `argv`; print what a BenchError says and return its status."""
    gc.set_threshold(10_000, 20, 20)  # records have no cycles: seeking some was a tenth of a report
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup is to go on
        signal.signal(signal.SIGHUP, _interrupt)  # the terminal has gone
    suit_encoding()
    try:
        return _carry_out(argv, tables)
    except BenchError as error:
        _complain(error)
        return error.exit_status
    except BrokenPipeError:  # the reader has left, as `head` does: so does what is still buffered
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # the last resort: a file that no verb took care of
        named = f"{error.filename}: " if error.filename else ""
        say(f"bench: {named}{error.strerror}: check the path, its permissions and the space left")
        return 2
    except KeyboardInterrupt as interruption:
        say("")
        match interruption.args:
            case (why, command):
                say_command(f"bench: interrupted: {why}", command)
            case _:
                say("bench: interrupted")
        return 130


def _complain(error: BenchError) -> None:
    """Say an error with the log of the process that failed, which is in no cell's file."""
    tail = getattr(getattr(error, "failure", error), "log_tail", "").rstrip()
    for line in tail.splitlines():
        say(line)
    where = "see what it printed, above" if tail else "it printed nothing"
    text = f"bench: {error.problem}: {error.hint}".replace(SEE_LOG, where)
    if error.command is None:
        say(text)
    else:
        say_command(text, error.command)


def console() -> NoReturn:
    """Carry out the command line of the installed program `bench`."""
    sys.exit(main(sys.argv[1:]))


def _interrupt(*_: object) -> NoReturn:
    """End a run that is told to end as Ctrl-C does: its child ended, what was measured kept."""
    raise KeyboardInterrupt


def _carry_out(argv: Sequence[str], tables: Tables | None) -> int:
    """Return the verb's status; a closed pipe shows here, not while the interpreter leaves."""
    status: int
    if instruction := os.environ.get(_COMPLETE):
        return shell_complete(_bench, {}, "bench", _COMPLETE, instruction)
    try:
        verb, options = parse(argv)
    except Exit as shown:  # help or version
        status = shown.exit_code
    else:
        # Past the help: what follows loads pydantic and more.
        from bench.experiments.context import Tables

        module = importlib.import_module(f"bench.cli.commands.{verb}")
        status = module.run(options, (tables or Tables()).serving(options.envs))
    sys.stdout.flush()
    return status


def parse(argv: Sequence[str]) -> tuple[str, Options]:
    """Return the verb and its options; raises InputError, and Exit where help was printed."""
    try:
        with _bench.make_context(program(), list(argv), obj=argv) as context:
            parsed: tuple[str, Options] = _bench.invoke(context)
    except click.UsageError as error:
        raise _refusal(error) from error
    return parsed


class _Command(click.Command):
    """A verb: its help has a section for each group, and no flag is taken for another's value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raise UsageError where another flag stands for a value."""
        flags = {name: it for it in self.get_params(ctx) for name in it.opts if name[0] == "-"}
        for flag, value in pairwise(args):
            if value in flags and not getattr(flags.get(flag), "alone", True):
                raise click.UsageError(f"option '{flag}' requires an argument", ctx)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the heads of their sections, in the verb's order."""
        for section, options in groupby(self.get_params(ctx), _section):
            rows = [row for it in options if (row := it.get_help_record(ctx))]
            if rows := [row for row in rows if row[1]]:
                with formatter.section(section):
                    formatter.write_dl(rows)


def _section(param: click.Parameter) -> str:
    return getattr(param, "section", "Other")


class _Verbs(click.Group):
    """The verbs of the table; each becomes a command when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the table's order."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb; raises UnknownName, but None while a shell completes."""
        if cmd_name in VERBS:
            return _command(cmd_name)
        if ctx.resilient_parsing:
            return None
        raise UnknownName("verb", cmd_name, VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each verb with the whole of its text."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.text) for name, verb in VERBS.items()])


def _command(name: str) -> click.Command:
    def read(**given: object) -> tuple[str, Options]:
        return name, to_options(given, click.get_current_context().obj)

    verb = VERBS[name]
    return _Command(name, params=[*verb.params, *COMMON], help=verb.text, callback=read)


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="bench %(version)s")
@click.pass_context
def _bench(context: click.Context) -> None:
    """Measure neural networks on this machine, record how, and write the tables."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit()


_BY_FLAG = {
    "run": "name a run with {} RUN; ",
    "base": "name what to compare with {} and --head, as in {} model:one.onnx; ",
}


def _by_flag(error: click.UsageError) -> str:
    """Return with which flag the verb takes what a word may have meant, "" where with none."""
    params = error.ctx.command.params if error.ctx else ()
    flags = {it.name: it.opts[0] for it in params}
    return next((say.format(*[flags[it]] * 2) for it, say in _BY_FLAG.items() if it in flags), "")


def _refusal(error: click.UsageError) -> InputError:
    """Return what click refuses as one sentence, with the most similar flag and the help."""
    command = error.ctx.command_path if error.ctx else program()
    hint = f"see `{command} --help`"
    if not isinstance(error, click.NoSuchOption):
        text = error.format_message().rstrip(".")
        surplus = text.startswith("Got unexpected extra argument")
        return InputError(text[0].lower() + text[1:], hint=_by_flag(error) * surplus + hint)
    guess = f"did you mean '{error.possibilities[0]}'? " if error.possibilities else ""
    return InputError(f"`{command}` has no flag '{error.option_name}'", hint=guess + hint)
