"""Who may reach a fleet: nobody but this machine, or who has its certificates.

Whoever reaches a scheduler can have its workers run anything. On the loopback the address is
enough; beyond it every connection is TLS 1.3 in which both sides show a certificate of the fleet's
own authority (`distributed`'s own security). The authority's key is thrown away: the folder that
`bench fleet certificates` makes is the fleet, and each machine in it has a copy.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import BenchError, InputError
from bench.core.program import command
from bench.fleet.settings import loaded

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

AUTHORITY, CERTIFICATE, KEY = "authority.pem", "member.pem", "member-key.pem"
DAYS = 365
_ADDRESS = re.compile(
    r"(?P<scheme>tcp|tls)://(?P<host>\[[0-9a-fA-F:.]+\]|[^:/\[\]]+):(?P<port>\d+)"
)
_MAKE = f"make new ones with {command('fleet certificates')}, and copy them to each machine"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a scheduler is: `scheme` is tcp or tls."""

    scheme: str
    host: str
    port: int


def parsed(address: str) -> Address:
    """Return the parts of `tls://host:port`; raises InputError where it isn't such an address."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(
            f"'{address}' is no scheduler's address",
            hint="write it as in tcp://127.0.0.1:8786 or tls://lab:8786",
        )
    return Address(match["scheme"], match["host"].strip("[]"), int(match["port"]))


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine's own loopback, which nobody else reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_folder() -> Path:
    """Return where this user's certificates are: in XDG_CONFIG_HOME, or ~/.config."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return Path(base or Path.home() / ".config") / "shufflenet-bench" / "fleet"


def serving(host: str, certificates: Path | None) -> dict[str, Any]:
    """Return the arguments of a Scheduler that listens on `host`.

    It is encrypted beyond the loopback, and where `certificates` are named. Raises InputError where
    these are needed and missing, BenchError where they can't serve.
    """
    if is_loopback(host) and certificates is None:
        return {"security": None, "protocol": "tcp", "host": host}
    return {"security": _encrypted(certificates), "protocol": "tls", "host": host}


def joining(address: str, certificates: Path | None) -> dict[str, Any]:
    """Return the arguments of a Worker or Client of the scheduler at `address`; raises as above.

    A worker beyond the loopback listens where its way to the scheduler begins.
    """
    where = parsed(address)
    own = {"host": where.host} if is_loopback(where.host) else {}
    if where.scheme == "tls":
        return {"security": _encrypted(certificates), "protocol": "tls", **own}
    if not own:
        raise InputError(
            f"{address} isn't this machine's loopback, and tcp isn't encrypted",
            hint=f"write tls://{where.host}:{where.port}",
        )
    return {"security": None, "protocol": "tcp", **own}


def _encrypted(certificates: Path | None) -> Any:
    folder = certificates or default_folder()
    _check(folder)
    return loaded().Security(
        require_encryption=True,
        tls_min_version=ssl.TLSVersion.TLSv1_3,
        tls_ca_file=str(folder / AUTHORITY),
        **{
            f"tls_{role}_{what}": str(folder / file)
            for role in ("scheduler", "worker", "client")
            for what, file in (("cert", CERTIFICATE), ("key", KEY))
        },
    )


def _check(folder: Path) -> None:
    """Raise where the certificates of `folder` can't serve: missing, others' to read, or over."""
    missing = [name for name in (AUTHORITY, CERTIFICATE, KEY) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"a fleet beyond the loopback needs certificates, and {folder} has no {missing[0]}",
            hint=f"{_MAKE}; or name their folder with --certificates DIR",
        )
    if (folder / KEY).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BenchError(
            f"others may read the key {folder / KEY}", hint=f"chmod 600 {folder / KEY}"
        )
    _check_certificate(folder)


def _check_certificate(folder: Path) -> None:
    loaded()
    from cryptography import x509

    try:
        ssl.create_default_context(cafile=folder / AUTHORITY).load_cert_chain(
            folder / CERTIFICATE, folder / KEY
        )
        member = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        member.verify_directly_issued_by(authority)
    except Exception as error:
        raise BenchError(
            f"the certificates in {folder} don't fit each other ({error or type(error).__name__})",
            hint=_MAKE,
        ) from error
    if member.not_valid_after_utc < datetime.now(timezone.utc):
        until = member.not_valid_after_utc.date()
        raise BenchError(f"the certificates in {folder} were valid until {until}", hint=_MAKE)


def make_certificates(folder: Path, *, days: int = DAYS) -> Path:
    """Make an authority and a member's certificate and key, valid for `days`; return the folder.

    Raises InputError where there are some already: what joined with those would be shut out.
    """
    loaded()
    there = [name for name in (AUTHORITY, CERTIFICATE, KEY) if (folder / name).exists()]
    if there:
        raise InputError(
            f"{folder} has certificates already ({there[0]})",
            hint="remove that folder for a new fleet, which no machine with the old ones can join",
        )
    authority, signer = _signed("fleet authority", None, days)
    member, key = _signed("fleet member", (authority, signer), days)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / KEY, _pem_of(key), 0o600)
    _write(folder / CERTIFICATE, _pem(member), 0o644)
    _write(folder / AUTHORITY, _pem(authority), 0o644)
    return folder


_Issuer = tuple["x509.Certificate", "EllipticCurvePrivateKey"]


def _signed(name: str, issuer: _Issuer | None, days: int) -> _Issuer:
    """Return a certificate and its key; without an `issuer` it is an authority of its own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # The clocks of machines differ.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return built.sign(key if issuer is None else issuer[1], hashes.SHA256()), key


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_of(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
