"""argv -> Options, and every slip in one sentence; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __version__
from bench.cli.flag_values import to_options
from bench.cli.options import VERBS, make_parser
from bench.config.suite import Axes
from bench.core.errors import InputError
from bench.experiments.context import Options

NUMBERS = st.lists(st.integers(1, 10**6), min_size=1, max_size=4)


def parsed(*argv: str) -> Options:
    return to_options(make_parser().parse_args(list(argv)), argv)


def refusal(*argv: str) -> str:
    with pytest.raises(InputError) as caught:
        parsed(*argv)
    return str(caught.value)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_alone_leaves_every_option_at_its_default(verb: str) -> None:
    left = Options()
    options = parsed(verb)
    assert options == Options(
        variants=[], axes=Axes(runners=[], batches=[], threads=[]), command=[verb]
    )
    assert (options.suite, options.preset, options.weights) == ("cpu", "standard", "seeded")
    assert (options.results, options.models) == (Path("results"), Path("models"))
    assert options.cache == left.cache


def test_every_flag_of_a_run_arrives() -> None:
    argv = (
        "run", "--suite", "gpu", "--preset", "quick", "--runner", "a,b", "--variant", "x0_5, x1_0",
        "--batch", "1,16", "--threads", "2", "--weights", "pretrained", "--seed", "7", "--device",
        "SER1AL", "--env", "paddle=/a/python", "--env", "lite=b=c", "--cache", "/c", "--results",
        "/r", "--models", "m", "--json", "--sustained", "2m",
    )  # fmt: skip
    assert parsed(*argv) == Options(
        suite="gpu", preset="quick", variants=["x0_5", "x1_0"],
        axes=Axes(runners=["a", "b"], batches=[1, 16], threads=[2]), results=Path("/r"),
        models=Path("m"), cache=Path("/c"), weights="pretrained", seed=7,
        envs={"paddle": Path("/a/python"), "lite": Path("b=c")}, device="SER1AL",
        as_json=True, sustained_s=120.0, command=list(argv),
    )  # fmt: skip


def test_a_run_that_is_resumed_takes_no_flag_that_chooses_other_cells() -> None:
    assert parsed("run", "--resume", "latest", "--json").resume == "latest"
    said = refusal("run", "--resume", "latest", "--variant", "x0_5")
    assert said.startswith(
        "--resume goes on with what the run began with, and --variant is a part of that"
    )


@pytest.mark.parametrize("flag", ["--variant", "--batch", "--seed", "--sessions", "--half-width"])
def test_a_comparison_that_is_resumed_has_its_cells_and_its_limits(flag: str) -> None:
    assert parsed("ab", "--resume", "latest", "--head", "rev:a").head == ("rev:a",)
    said = refusal("ab", "--resume", "latest", flag, "2")
    assert said.startswith(
        f"--resume goes on with what the run began with, and {flag} is a part of that"
    )


@pytest.mark.parametrize("flag", ["--variant", "--runner", "--batch", "--threads"])
@pytest.mark.parametrize("empty", ["", " ", ","])
def test_an_empty_list_is_refused_and_does_not_mean_all(flag: str, empty: str) -> None:
    assert refusal("run", flag, empty).startswith(f"{flag} is empty")


def test_a_doctor_may_be_asked_for_the_sensors_alone() -> None:
    assert parsed("doctor", "--sensors").sensors
    assert not parsed("doctor").sensors


def test_a_duration_that_is_none_is_refused_by_its_flag() -> None:
    assert refusal("run", "--sustained", "soon").startswith("--sustained soon: not a duration: ")


def test_a_report_may_be_of_one_run() -> None:
    assert parsed("report", "--run", "latest").run == "latest"


@given(batches=NUMBERS, threads=NUMBERS)
def test_lists_of_numbers_are_read_as_written(batches: list[int], threads: list[int]) -> None:
    texts = [",".join(map(str, numbers)) for numbers in (batches, threads)]
    axes = parsed("plan", "--batch", texts[0], "--threads", texts[1]).axes
    assert (axes.batches, axes.threads) == (batches, threads)


@given(text=st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1))
def test_what_is_not_a_whole_number_from_one_on_is_never_taken_for_one(text: str) -> None:
    word = text.strip()
    if word and set(word) <= set("0123456789") and int(word) >= 1:
        assert parsed("plan", f"--batch={text}").axes.batches == [int(word)]
    elif word:
        assert f"'{word}' is not a whole number" in refusal("plan", f"--batch={text}")


@pytest.mark.parametrize("flag", ["--batch", "--threads"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "1,0", "²", "1_0", "1 2"])
def test_a_count_that_is_none_is_refused_by_its_flag(flag: str, text: str) -> None:
    assert refusal("run", f"{flag}={text}").startswith(f"{flag} {text}: '")


@pytest.mark.parametrize("text", ["-1", "x", "1,2", ",", ""])
def test_a_seed_is_one_whole_number(text: str) -> None:
    assert refusal("run", f"--seed={text}").startswith(f"--seed {text}: ")
    assert parsed("run", "--seed", "0").seed == 0


@pytest.mark.parametrize("text", ["paddle", "=python", "paddle=", ""])
def test_an_environment_is_a_name_and_a_path(text: str) -> None:
    assert f"--env {text}: not NAME=PATH" in refusal("run", "--env", text)


@pytest.mark.parametrize(
    ("argv", "fault", "hint"),
    [
        (["rnu"], "invalid choice: 'rnu'", "`python -m bench --help`"),
        (["run", "--bacth", "1"], "unrecognized arguments: --bacth 1", "--help`"),
        (["run", "--suite"], "--suite: expected one argument", "`python -m bench run --help`"),
        (["run", "--res", "x"], "unrecognized arguments: --res", "--help`"),
        (["report", "--batch", "1"], "unrecognized arguments: --batch", "--help`"),
        (["doctor", "--resume", "x"], "unrecognized arguments: --resume", "--help`"),
    ],
)
def test_a_slip_of_the_pen_is_told_in_a_sentence_with_the_way_to_the_help(
    argv: list[str], fault: str, hint: str
) -> None:
    sentence = refusal(*argv)
    assert fault in sentence
    assert sentence.endswith(hint)
    assert "\n" not in sentence


def test_no_verb_is_no_error() -> None:
    assert make_parser().parse_args([]).verb is None


@pytest.mark.parametrize("verb", VERBS)
def test_each_verbs_help_says_what_the_verb_does(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        make_parser().parse_args([verb, "--help"])
    assert left.value.code == 0
    assert VERBS[verb].capitalize()[:40] in " ".join(capsys.readouterr().out.split())


def test_every_flag_of_a_gpu_arrives() -> None:
    options = parsed("run", "--gpu", "1", "--shared-gpu", "--allow-partial")
    assert (options.gpu, options.shared_gpu, options.allow_partial) == ("1", True, True)
    assert parsed("doctor", "--install").install


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        make_parser().parse_args(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"bench {__version__}\n"
