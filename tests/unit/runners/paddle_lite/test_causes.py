"""Why a program ended on the device: the tool's own words come first, and the hint helps."""

from __future__ import annotations

import pytest

from bench.runners.paddle_lite.causes import ProgramEnded, last_words

AT = "[F 11/29 10:31:34.  0 ...te/model_parser/model_parser.cc:712 LoadModelNaiveFromFile] "
INFO = "[I 11/29 10:31:34.  0 .../lite/core/device_info.cc:1190 Setup] L2 Cache size is: \n"
FORMAT = "The model format cannot be recognized. Please make sure you use the correct interface."
NO_OP = "Error: This model is not supported, because operator 'foo' is not supported."
LINK = 'CANNOT LINK EXECUTABLE "./bench_agent": library "libz.so" not found: needed by main'


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (f"{INFO}{AT}{FORMAT} \nAborted \n", FORMAT.rstrip(".")),
        (f"{AT}{FORMAT}\nAborted (core dumped)\n", FORMAT.rstrip(".")),
        (f"{AT}{FORMAT}\nqemu: uncaught target signal 6 (Aborted) - core dumped\n", FORMAT[:-1]),
        (f"{INFO}cut off{AT}{FORMAT}\n{INFO}", FORMAT.rstrip(".")),
        # the library begins some reasons on the next line
        (f"{AT}Check failed: op: \n{NO_OP}\nAborted\n", f"Check failed: op: {NO_OP[:-1]}"),
        (f"{AT}first\n{AT}second\n", "second"),
        (f"{LINK}\n", LINK),
        ("ERROR: unknown command line flag 'x'\r\n", "ERROR: unknown command line flag 'x'"),
        ("terminate called\n  what():  std::bad_alloc\nAborted\n", "what(): std::bad_alloc"),
        (INFO, None), ("Segmentation fault \n", None), ("", None), ("\n \n", None),
        ("/system/bin/sh: line 1: 4711 Killed", None), (f"{AT}\nAborted\n", None),
        ("x" * 1_000, "x" * 300),
    ],
)  # fmt: skip
def test_the_programs_own_words_are_found_above_the_shells(said: str, words: str | None) -> None:
    assert last_words(said) == words


@pytest.mark.parametrize(
    ("status", "said", "problem", "hint"),
    [
        (134, f"{AT}{FORMAT}\nAborted\n",
         f"'{FORMAT[:-1]}', said bench_agent, and ended by SIGABRT", "make agent"),
        (134, f"{AT}Failed to read 4 bytes.\n", "'Failed to read 4 bytes', said", "--cache"),
        (134, f"{AT}\nError: Please use Paddle-Lite lib with all ops, marked with `with_extra`.\n",
         "'Error: Please use", "with_extra"),
        (1, f"{LINK}\n", "and ended with status 1 on the device", "--agent DIR"),
        (134, "Aborted\n", "bench_agent ended by SIGABRT on the device and said nothing",
         "--with_log=ON"),
        (139, INFO, "bench_agent ended by SIGSEGV on the device and said nothing",
         "header and library are of one release"),
        (137, "", "ended by SIGKILL on the device and said nothing", "smaller batch"),
        (3, "odd\n", "'odd', said bench_agent, and ended with status 3", "adb shell"),
        (255, "", "ended with status 255 on the device and said nothing", "adb shell"),
    ],
)  # fmt: skip
def test_the_tools_words_come_first_and_the_hint_names_what_helps(
    status: int, said: str, problem: str, hint: str
) -> None:
    error = ProgramEnded("bench_agent", status, said)
    assert problem in error.problem
    assert hint in error.hint
    assert error.kind == "command-failed"
