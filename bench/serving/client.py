"""A client of the Open Inference Protocol (KServe v2) over HTTP: standard library and numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bench.core.errors import InputError
from bench.serving.messages import (
    HEADER_LENGTH,
    Body,
    RequestFailed,
    decode,
    parsed,
    table_in,
)
from bench.serving.protocol import EXTENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_BYTES = 1 << 30
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server answers: `prefix` is what stands before /v2, `secure` means https."""

    host: str
    port: int
    prefix: str = ""
    secure: bool = False

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.secure else ''}://{host}:{self.port}{self.prefix}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine, as far as its address tells."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def parse_url(text: str) -> Endpoint:
    """Return the endpoint that a URL names, with or without its /v2; raises InputError."""
    hint = "give the server's address, as in http://127.0.0.1:8000"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{text} is no URL: {error}", hint=hint) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{text} is no URL of an HTTP server", hint=hint)
    if parts.username or parts.query or parts.fragment:
        raise InputError(f"{text} has more than an address and a path", hint=hint)
    secure = parts.scheme == "https"
    prefix = parts.path.partition("/v2")[0].rstrip("/")
    port = port or (443 if secure else 80)
    return Endpoint(host=parts.hostname, port=port, prefix=prefix, secure=secure)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """An input or output of a served model, as its metadata has it; -1 is any extent."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model behind a server: what both say of themselves."""

    server: str
    server_version: str
    binary: bool
    model: str
    version: str | None
    platform: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def path(self) -> str:
        """The path of its inferences, below the endpoint's prefix."""
        version = "" if self.version is None else f"/versions/{quote(self.version, safe='')}"
        return f"/v2/models/{quote(self.model, safe='')}{version}/infer"


@dataclass(slots=True)
class Connection:
    """One connection to a server, kept open from one request to the next.

    A request that finds it closed by the server is sent once more on a new one: `reopened` counts
    those.
    """

    endpoint: Endpoint
    timeout_s: float
    reopened: int = 0
    _http: HTTPConnection | None = None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def get(self, path: str) -> Any:
        """Return the JSON at `path`; raises RequestFailed."""
        return self.json("GET", path)

    def json(self, method: str, path: str) -> Any:
        """Return the JSON that is answered to a request without a body; raises RequestFailed."""
        return parsed(self._request(method, path, b"", {})[1])

    def check_ready(self) -> None:
        """Raise RequestFailed where the server isn't ready for inferences."""
        self._request("GET", "/v2/health/ready", b"", {})

    def infer(self, path: str, body: Body) -> dict[str, NDArray[Any]]:
        """Return the outputs of an inference by name; raises RequestFailed."""
        header, data = self._request("POST", path, body.data, body.headers)
        return decode(data, header)

    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, bytes]:
        """Return the length of the answer's JSON, None where it is all of it, and the answer."""
        where = f"{self.endpoint.prefix}{path}"
        reused = self._http is not None
        try:
            try:
                return self._exchange(method, where, body, headers)
            except (RemoteDisconnected, ConnectionError):
                self.close()
                if not reused:
                    raise
                self.reopened += 1
                return self._exchange(method, where, body, headers)
        except TimeoutError as error:
            self.close()
            problem = f"no answer within {self.timeout_s:g} s"
            raise RequestFailed("time-out", problem) from error
        except (OSError, HTTPException) as error:
            self.close()
            why = getattr(error, "strerror", None) or f"{error or type(error).__name__}"
            raise RequestFailed(
                "connection", f"{self.endpoint.url} doesn't answer: {why}"
            ) from error

    def _exchange(
        self, method: str, where: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, bytes]:
        if self._http is None:
            kind = HTTPSConnection if self.endpoint.secure else HTTPConnection
            self._http = kind(self.endpoint.host, self.endpoint.port, timeout=self.timeout_s)
        self._http.request(method, where, body or None, dict(headers))
        answer = self._http.getresponse()
        data = answer.read(_MOST_BYTES)
        if answer.will_close or not answer.isclosed():
            self.close()
        if answer.status != 200:
            raise RequestFailed(f"status {answer.status}", _refusal(answer.status, data))
        length = answer.headers.get(HEADER_LENGTH)
        if length is not None and not length.isdecimal():
            raise RequestFailed("no-answer", f"its {HEADER_LENGTH} is {length[:_SHOWN]!r}")
        return None if length is None else int(length), data


def _refusal(status: int, data: bytes) -> str:
    try:
        said = json.loads(data)["error"]
    except (ValueError, LookupError, TypeError):
        said = data[:_SHOWN].decode("utf-8", "replace")
    return f"status {status}: {str(said)[:_SHOWN]}"


def describe(connection: Connection, model: str | None, version: str | None = None) -> Served:
    """Return what the server and its model say of themselves.

    Raises RequestFailed, and InputError where `model` is needed or isn't there.
    """
    server = table_in(connection.get("/v2"))
    name = model or _only_model(connection)
    path = f"/v2/models/{quote(name, safe='')}"
    path += "" if version is None else f"/versions/{quote(version, safe='')}"
    try:
        about = table_in(connection.get(path))
    except RequestFailed as error:
        if error.kind not in ("status 400", "status 404"):
            raise
        hint = "name the model as the server does, with --model"
        raise InputError(f"the server has no model '{name}' ({error.problem})", hint=hint) from None
    inputs, outputs = (_infos(about, key) for key in ("inputs", "outputs"))
    extensions = server.get("extensions")
    return Served(
        server=str(server.get("name", "unknown")),
        server_version=str(server.get("version", "unknown")),
        binary=isinstance(extensions, list) and set(EXTENSIONS) <= set(map(str, extensions)),
        model=name,
        version=version,
        platform=str(about.get("platform", "unknown")),
        inputs=inputs,
        outputs=outputs,
    )


def _only_model(connection: Connection) -> str:
    """Return the one model of a server that lists its models, in either of two usual ways.

    Raises InputError where there are others or none is listed: the protocol itself lists none.
    """
    names: list[str] = []
    for method, path in (("GET", "/v2/models"), ("POST", "/v2/repository/index")):
        with suppress(RequestFailed):
            names = names or _listed(connection.json(method, path))
    if len(names) == 1:
        return names[0]
    known = f": it has {', '.join(names)}" if names else ""
    raise InputError(
        f"which model of {connection.endpoint.url} is meant isn't known{known}",
        hint="name it with --model",
    )


def _listed(said: Any) -> list[str]:
    """Return the models' names: `{"models": [...]}`, or a list, of names or of objects with one."""
    models = said.get("models") if isinstance(said, dict) else said
    named = (it.get("name") if isinstance(it, dict) else it for it in models or ())
    return [it for it in named if isinstance(it, str)]


def _infos(about: Mapping[str, Any], key: str) -> tuple[TensorInfo, ...]:
    try:
        return tuple(
            TensorInfo(name=it["name"], datatype=it["datatype"], shape=tuple(map(int, it["shape"])))
            for it in about[key]
        )
    except (LookupError, TypeError, ValueError):
        raise RequestFailed("no-answer", f"its metadata has no {key} of the protocol") from None
