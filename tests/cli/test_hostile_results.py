"""Every verb that reads results/, over runs of somebody who means harm."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.analysis.baseline import make_baseline
from bench.cli.main import main
from bench.storage.store import Store
from tests.cli.test_compare import BASE, HEAD, SAME, SLOWER, cells, selftest
from tests.fakes import tables as fakes
from tests.fakes.hostile import ATTACKS, STORABLE, put_poisoned
from tests.fakes.reading import commands, hidden, markdown_structure
from tests.fakes.records import facts, failed, record, stored

BOX = "amd-epyc-2c-0123abcd"
CELL = record("mine").cell_id
CATALOGUE = '[models.mine]\nfactory = "fake:net"\ntitle = {title}\n'
Said = Callable[..., tuple[int, str, str]]


def plant(folder: Path, text: str) -> Path:
    """Write results and a catalogue with `text` in all words; return their folder."""
    results, models = folder / "results", folder / "models"
    selftest(results, 0.005)
    for run_id, speed in ((BASE, SAME), (HEAD, SLOWER)):
        run = stored(
            *cells(speed, SAME),
            record("third", outcome=failed()),
            run_id=run_id,
            suite="engines",
            models={"mine": facts()},
        )
        put_poisoned(run, text, results)
    store = Store(results)
    manifest = store.run(BASE).manifest()
    clean = manifest.provenance.model_copy(update={"commit": "0badc0de" * 5})
    accepted = manifest.model_copy(update={"provenance": clean})
    store.write_baseline(make_baseline(accepted, accepted=text, locks={f"{text}lock": text}))
    models.mkdir()
    title = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # as TOML has it
    (models / "catalog.toml").write_text(CATALOGUE.format(title=title), encoding="utf-8")
    (models / "published.csv").write_bytes((fakes.MODELS / "published.csv").read_bytes())
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    names = {"hostile": STORABLE, "plain": "plain "}
    return {name: plant(tmp_path_factory.mktemp(name), text) for name, text in names.items()}


@pytest.fixture
def said(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> Said:
    def called(folder: str, *argv: str) -> tuple[int, str, str]:
        at = folders[folder]
        where = ["--results", str(at / "results"), "--models", str(at / "models")]
        status = main([*argv, *where])
        out, err = capsys.readouterr()
        return status, out.replace(str(at), ""), err.replace(str(at), "")

    return called


VERBS = {
    "report, explained": ["report", "--explain"],
    "report of a run": ["report", "--run", HEAD],
    "verify": ["verify"],
    "history": ["history", CELL],
    "models": ["models"],
    "audit": ["audit"],
    "baseline": ["baseline", "show"],
    "recommend": ["recommend", "--max-ms", "9", "--system", BOX],
    "compare": ["compare", BASE, HEAD],
    "compare for a log": ["compare", BASE, HEAD, "--format", "github"],
    "compare as markdown": ["compare", BASE, HEAD, "--format", "markdown"],
    "compare as XML": ["compare", BASE, HEAD, "--format", "junit"],
    "with an unknown run": ["compare", BASE, STORABLE],
    "with an unknown cell": ["history", STORABLE],
    "with an unknown verb": [STORABLE],
    "with an unknown flag": ["report", f"--{STORABLE}"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_prints_the_lines_that_it_prints_of_plain_names(verb: str, said: Said) -> None:
    status, *texts = said("hostile", *VERBS[verb])
    plain_status, *plain = said("plain", *VERBS[verb])
    assert status == plain_status
    for text, harmless in zip(texts, plain, strict=True):
        assert text.count("\n") == harmless.count("\n"), text
        assert not hidden(text)
        own = [line.split("::")[1].split()[0] for line in commands(text)]
        assert own == [line.split("::")[1].split()[0] for line in commands(harmless)]


@pytest.mark.parametrize("verb", ["history", "models", "audit", "baseline", "recommend", "compare"])
def test_json_has_the_names_as_they_are(verb: str, said: Said) -> None:
    _, out, _ = said("hostile", *VERBS[verb], "--json")
    values = json.loads(out)
    assert out.isascii()
    if verb in ("history", "baseline"):
        assert STORABLE[:40] in str(values).encode().decode("unicode_escape")


def test_a_comparison_parses_in_its_formats(said: Said) -> None:
    markdown, plain = (
        markdown_structure(said(name, *VERBS["compare as markdown"])[1])
        for name in ("hostile", "plain")
    )
    assert markdown == plain
    root = ET.fromstring(said("hostile", *VERBS["compare as XML"])[1])  # noqa: S314 - our own
    assert [one.tag for one in root.iter("testcase")] == ["testcase"] * 2


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_error_is_one_line_whatever_was_typed(attack: str, said: Said) -> None:
    status, out, err = said("plain", "compare", ATTACKS[attack].replace("\0", ""), HEAD)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"bench: [^\n]+\n", err)
    assert not hidden(err)
    assert not commands(err)
