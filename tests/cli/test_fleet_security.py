"""A fleet with certificates: who has them takes part, encrypted; nobody else gets an answer."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fleet.security import AUTHORITY, CERTIFICATE, KEY, make_certificates
from bench.storage.store import Store
from tests.cli.fleets import TestFleet, eventually, fleet
from tests.cli.process import FAKE, call, complaint


def answer(context: ssl.SSLContext, connection: socket.socket) -> bytes:
    """Return what is answered, nothing where the connection is refused."""
    try:
        with context.wrap_socket(connection) as wrapped:
            wrapped.sendall(b"hello")
            return wrapped.recv(1)
    except (ssl.SSLError, ConnectionError):
        return b""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab") / "certificates"
    done = call("fleet", "certificates", folder, module=FAKE)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def lab(tmp_path: Path, plain_models: Path, certificates: Path) -> Iterator[TestFleet]:
    """A fleet of one host whose every connection is encrypted."""
    own = ("--certificates", certificates)
    with fleet(tmp_path / "fleet", plain_models, *own) as made:
        assert made.address.startswith("tls://")
        made.join("lab1", *own)
        yield made


def test_a_job_goes_over_encrypted_connections(lab: TestFleet, certificates: Path) -> None:
    done = lab.run("--preset", "quick", "--certificates", certificates)
    assert done.returncode == 0, done.stderr
    assert len(Store(lab.mine).runs()) == 1


def test_nobody_without_the_certificates_gets_an_answer(lab: TestFleet, tmp_path: Path) -> None:
    others = make_certificates(tmp_path / "others")
    refused = call("fleet", "status", lab.address, "--certificates", others, module=FAKE)
    assert "no scheduler answers" in complaint(refused)
    plain = lab.address.replace("tls://", "tcp://")
    said = complaint(call("fleet", "status", plain, module=FAKE))
    assert "no scheduler answers" in said
    assert "begins with tls://" in said
    # A connection that shows no certificate hears nothing, whatever it would say.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", lab.port), timeout=30) as bare:
        assert answer(context, bare) == b""


def test_the_state_names_machines_jobs_and_how_far_they_are(
    lab: TestFleet, certificates: Path
) -> None:
    own = ("--certificates", certificates)
    asked = ("fleet", "status", lab.address, *own)
    empty = call(*asked, module=FAKE)
    assert "lab1" in empty.stdout
    assert "0 jobs" in empty.stdout
    first, second = (("--campaign", name, *own) for name in ("first", "second"))
    with lab.running(*first) as one:
        eventually(lambda: lab.journals("lab1"))
        with lab.running(*second) as other:
            states: list[dict[str, object]] = []

            def both() -> bool:
                states[:] = json.loads(call(*asked, "--json", module=FAKE).stdout)["jobs"]
                return len(states) == 2

            eventually(both)
            assert [it["state"] for it in states] == ["running", "waiting"]
            running, waiting = states
            assert str(running["job"]).startswith("first-host:")
            assert running["on"] == "lab1"
            assert isinstance(running["sessions"], int)
            assert isinstance(running["for_s"], float)
            assert (waiting["on"], waiting["sessions"]) == (None, None)
            assert [it.process.wait(90) for it in (one, other)] == [0, 0]


@pytest.mark.parametrize("lost", [AUTHORITY, CERTIFICATE, KEY])
def test_certificates_that_are_not_whole_are_refused(
    certificates: Path, tmp_path: Path, lost: str
) -> None:
    folder = Path(shutil.copytree(certificates, tmp_path / "copy"))
    (folder / lost).unlink()
    said = complaint(call("fleet", "start", "--certificates", folder, module=FAKE))
    assert f"{folder} has no {lost}" in said


def test_a_key_that_others_may_read_is_refused(certificates: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(certificates, tmp_path / "copy"))
    (folder / KEY).chmod(0o640)
    said = complaint(call("fleet", "start", "--certificates", folder, module=FAKE))
    assert f"others may read the key {folder / KEY}" in said
    assert f"chmod 600 {folder / KEY}" in said


def test_certificates_of_two_fleets_or_of_none_are_refused(
    certificates: Path, tmp_path: Path
) -> None:
    mixed = make_certificates(tmp_path / "mixed")
    shutil.copy(certificates / AUTHORITY, mixed / AUTHORITY)
    asked = ("fleet", "start", "--certificates", mixed)
    assert "don't fit each other" in complaint(call(*asked, module=FAKE))
    (mixed / CERTIFICATE).write_text("no certificate")
    assert "don't fit each other" in complaint(call(*asked, module=FAKE))


def test_certificates_that_are_over_are_refused_with_their_day(tmp_path: Path) -> None:
    over = make_certificates(tmp_path / "over", days=0)
    said = complaint(call("fleet", "start", "--certificates", over, module=FAKE))
    assert f"the certificates in {over} were valid until 20" in said


def test_a_key_is_its_owners_alone_and_nothing_is_replaced(tmp_path: Path) -> None:
    folder = make_certificates(tmp_path / "own")
    assert (folder / KEY).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    said = complaint(call("fleet", "certificates", folder, module=FAKE))
    assert "has certificates already" in said
