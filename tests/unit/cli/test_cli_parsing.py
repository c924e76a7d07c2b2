"""argv -> Options, and every slip in one sentence; nothing is run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import options
from bench.cli.commands import VERBS
from bench.cli.commands.doctor import CheckOptions
from bench.cli.main import main, parse
from bench.config.axes import Axes
from bench.core.errors import InputError
from bench.experiments.context import Options
from bench.experiments.nets import OwnOptions
from bench.targets import TargetEntry, TargetOption

NUMBERS = st.lists(st.integers(1, 10**6), min_size=1, max_size=4)


def parsed(*argv: str) -> Options:
    return parse(argv)[1]


def refusal(*argv: str) -> str:
    with pytest.raises(InputError) as caught:
        parsed(*argv)
    return str(caught.value)


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_nets_by_their_files_and_the_shapes_of_their_inputs_arrive(verb: str) -> None:
    given = parsed(
        verb, "a.onnx", "m:net", "--input", "ids=Nx8:int64", "--input", "Nx3x8x8",
        "--input", "a=b=N", "--input-values", "v.npz",
    )  # fmt: skip
    own = given.of(OwnOptions)
    assert own == OwnOptions(
        model_files=("a.onnx", "m:net"),
        inputs=(("ids", "Nx8:int64"), ("", "Nx3x8x8:float32"), ("a=b", "N:float32")),
        input_values=Path("v.npz"),
    )
    words = own.flags()
    assert parsed(verb, *shlex.split(" ".join(words))).of(OwnOptions) == own


@pytest.mark.parametrize("text", ["", "x=", "x=3,224,224", "x=Nx3:complex64", "Nx0"])
def test_a_shape_that_is_none_is_refused_with_the_form(text: str) -> None:
    said = refusal("run", "a.onnx", "--input", text)
    assert "write SHAPE" in said or "choose from float32" in said


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_alone_leaves_every_option_at_its_default(verb: str) -> None:
    left = Options()
    given = parsed(verb)
    assert given == Options(axes=Axes(runners=[], batches=[], threads=[]), command=[verb])
    assert (given.own, given.weights) == ({}, "seeded")
    assert (given.results, given.models) == (Path("results"), Path("models"))
    assert given.cache == left.cache


def test_every_flag_of_a_run_arrives() -> None:
    argv = (
        "run", "--suite", "gpu", "--preset", "quick", "--runner", "a,b", "--variant", "x0_5, x1_0",
        "--batch", "1,16", "--threads", "2", "--weights", "pretrained", "--seed", "7", "--device",
        "SER1AL", "--env", "paddle=/a/python", "--env", "lite=b=c", "--cache", "/c", "--results",
        "/r", "--models", "m", "--json", "--sustained", "2m",
    )  # fmt: skip
    assert parsed(*argv) == Options(
        variants=["x0_5", "x1_0"],
        axes=Axes(runners=["a", "b"], batches=[1, 16], threads=[2]), results=Path("/r"),
        models=Path("m"), cache=Path("/c"), weights="pretrained", seed=7,
        envs={"paddle": Path("/a/python"), "lite": Path("b=c")},
        as_json=True, command=list(argv),
        own={"suite": "gpu", "preset": "quick", "device": "SER1AL", "sustained_s": 120.0},
    )  # fmt: skip


def test_a_run_that_is_resumed_takes_no_flag_that_chooses_other_cells() -> None:
    assert parsed("run", "--resume", "latest", "--json").resume == "latest"
    said = refusal("run", "--resume", "latest", "--variant", "x0_5")
    assert said.startswith(
        "--resume goes on with what the run began with, and --variant is a part of that"
    )


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--variant", "a"), ("--batch", "2"), ("--seed", "2"), ("--sessions", "2"),
     ("--half-width", "0.02")],
)  # fmt: skip
def test_a_comparison_that_is_resumed_has_its_cells_and_its_limits(flag: str, value: str) -> None:
    assert parsed("ab", "--resume", "latest", "--head", "rev:a").own == {"head": ("rev:a",)}
    said = refusal("ab", "--resume", "latest", flag, value)
    assert said.startswith(
        f"--resume goes on with what the run began with, and {flag} is a part of that"
    )


@pytest.mark.parametrize("flag", ["--variant", "--runner", "--batch", "--threads"])
@pytest.mark.parametrize("empty", ["", " ", ","])
def test_an_empty_list_is_refused_and_does_not_mean_all(flag: str, empty: str) -> None:
    assert refusal("run", flag, empty).startswith(f"{flag} is empty")


def test_a_doctor_may_be_asked_for_the_sensors_alone() -> None:
    assert parsed("doctor", "--sensors").of(CheckOptions) == CheckOptions(sensors=True)
    assert parsed("doctor").of(CheckOptions) == CheckOptions()


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


HELP = "see `python -m bench run --help`"
VERIFY_HELP = "see `python -m bench verify --help`"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["rnu"], "there is no verb 'rnu': did you mean 'run'? choose from ab, accuracy, "),
        (["--bogus"], "`python -m bench` has no flag '--bogus': see `python -m bench --help`"),
        (
            ["run", "--bacth", "1"],
            f"`python -m bench run` has no flag '--bacth': did you mean '--batch'? {HELP}",
        ),
        (
            ["run", "--vari", "x"],
            f"`python -m bench run` has no flag '--vari': did you mean '--variant'? {HELP}",
        ),
        (["report", "--batch", "1"], "`python -m bench report` has no flag '--batch': see "),
        (["doctor", "--resume", "x"], "`python -m bench doctor` has no flag '--resume': "),
        (["ab", "--benchmark-bin", "x"], "`python -m bench ab` has no flag '--benchmark-bin': "),
        (
            ["verify", "x"],
            f"got unexpected extra argument (x): name a run with --run RUN; {VERIFY_HELP}",
        ),
        (["selftest", "x", "y"], "got unexpected extra arguments (x y): name a run with --from "),
        (
            ["ab", "a.onnx", "b.onnx"],
            "got unexpected extra arguments (a.onnx b.onnx): name what to compare with --base and ",
        ),
        (["run", "--json=1"], f"option '--json' does not take a value: {HELP}"),
    ],
)
def test_a_mistyped_word_is_refused_in_one_sentence_with_a_guess_or_the_help(
    argv: list[str], sentence: str
) -> None:
    said = refusal(*argv)
    assert said.startswith(sentence)
    assert "\n" not in said


@pytest.mark.parametrize("flag", ["--suite", "--seed", "--env", "--sustained", "--gpu"])
@pytest.mark.parametrize("after", [[], ["--preset", "quick"], ["--json"], ["--help"]])
def test_a_flag_without_its_value_is_refused_and_takes_no_other_flag_for_it(
    flag: str, after: list[str]
) -> None:
    assert refusal("run", flag, *after) == f"option '{flag}' requires an argument: {HELP}"


def test_a_number_below_zero_is_a_value_and_no_flag() -> None:
    assert refusal("run", "--threads", "-1").startswith("--threads -1: '-1' is not a whole number")


def test_a_targets_options_reach_the_verbs_that_take_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = (
        TargetOption(flag="--port", help="P"),
        TargetOption(flag="--tool", metavar="PATH", help="A tool", is_path=True, live=False),
        TargetOption(flag="--bus", metavar="B", help="B", choices=("i2c", "spi"), checked=False),
    )
    board = TargetEntry(path="", title="a board", suite="cpu", options=parts)
    eye = TargetOption(flag="--eye", help="E")
    camera = replace(board, title="a camera", options=(eye,), runs_sessions=True)
    monkeypatch.setattr(options, "TARGETS", {"board": board, "camera": camera})
    everything = {"--port", "--tool", "--bus", "--eye"}
    for verb, taken in {
        "run": everything, "plan": everything, "bisect": everything - {"--tool"},
        "doctor": everything - {"--bus"}, "predict": everything - {"--eye"}, "audit": set(),
    }.items():  # fmt: skip
        flags = {option.opts[0] for option in VERBS[verb].params}
        assert (verb, flags & everything) == (verb, taken)
    assert main(["run", "--help"]) == 0
    assert "On a board:\n  --port" in capsys.readouterr().out
    assert parsed("run", "--port", "--tool", "t").own == {"port": True, "tool": Path("t")}
    assert "'i2c', 'spi'" in refusal("run", "--bus", "usb")


def test_every_flag_of_a_gpu_arrives() -> None:
    given = parsed("run", "--gpu", "1", "--shared-gpu", "--allow-partial")
    assert given.own == {"gpu": "1", "shared_gpu": True, "allow_partial": True}
    assert parsed("doctor", "--install").of(CheckOptions).install


def test_a_value_of_0_is_one() -> None:
    _, options = parse(["serve", "x0_25", "--port", "0", "--max-delay-ms", "0"])
    assert options.own == {"port": 0, "max_delay_ms": 0.0}
