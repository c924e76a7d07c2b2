"""The server's paths: health, metadata, inference, metrics; errors are as the protocol has them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bench import __version__
from bench.serving.batching import Batcher
from bench.serving.messages import HEADER_LENGTH
from bench.serving.metrics import CONTENT_TYPE
from bench.serving.net import VERSION, Net
from bench.serving.protocol import (
    EXTENSIONS,
    JSON,
    Refusal,
    most_bytes,
    read_request,
    write_answer,
)

if TYPE_CHECKING:
    from bench.serving.waiting import Rows

_NAME = "shufflenet-bench"


@dataclass(slots=True)
class Service:
    """What the paths answer from. `draining`: it takes no more requests, and ends.

    `requests` came since the start, of which `in_flight` aren't answered yet.
    """

    net: Net
    batcher: Batcher
    draining: bool = False
    requests: int = 0
    in_flight: int = 0

    @property
    def ready(self) -> bool:
        """Whether a request would be inferred."""
        return self.batcher.problem is None and not self.draining

    def app(self) -> Starlette:
        """Return the application."""
        model = "/v2/models/{model}"
        versions = f"{model}/versions/{{version}}"
        paths = {
            "/v2": self.about,
            "/v2/health/live": self.live,
            "/v2/health/ready": self.is_ready,
            "/v2/models": self.models,
            "/metrics": self.metrics,
            model: self.model,
            versions: self.model,
            f"{model}/ready": self.model_ready,
            f"{versions}/ready": self.model_ready,
        }
        routes = [
            *(Route(path, answer) for path, answer in paths.items()),
            *(Route(f"{it}/infer", self.infer, methods=["POST"]) for it in (model, versions)),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _no_path})
        app.router.redirect_slashes = False  # it would send a client where its own Host header says
        return app

    async def about(self, _: Request) -> Response:
        return _json({"name": _NAME, "version": __version__, "extensions": list(EXTENSIONS)})

    async def models(self, _: Request) -> Response:
        """Name the net, which the protocol leaves out: as KServe's own servers list theirs."""
        return _json({"models": [self.net.name]})

    async def live(self, _: Request) -> Response:
        return _json({"live": True})

    async def is_ready(self, _: Request) -> Response:
        return _json({"ready": self.ready}, status=200 if self.ready else 503)

    async def metrics(self, _: Request) -> Response:
        waiting = len(self.batcher.queue)
        text = self.batcher.metrics.text(
            in_flight=self.in_flight, waiting=waiting, ready=self.ready
        )
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    async def model(self, request: Request) -> Response:
        return self._named(request) or _json(self.net.metadata())

    async def model_ready(self, request: Request) -> Response:
        named = {"name": self.net.name, "ready": self.ready}
        return self._named(request) or _json(named, status=200 if self.ready else 503)

    async def infer(self, request: Request) -> Response:
        """Infer, and count the answer by its status."""
        began = time.monotonic()
        self.requests += 1
        self.in_flight += 1
        try:
            answer = await self._infer(request)
        except Refusal as refusal:
            answer = _refused(refusal)
        finally:
            self.in_flight -= 1
        if self.draining:
            answer.headers["Connection"] = "close"
        self.batcher.metrics.answers[answer.status_code] += 1
        self.batcher.metrics.request_s.add(time.monotonic() - began)
        return answer

    async def _infer(self, request: Request) -> Response:
        if other := self._named(request):
            return other
        self._check_room()
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refusal("this server reads no compressed bodies", status=415)
        body = await self._body(request)
        read = read_request(body, request.headers.get(HEADER_LENGTH), self.net)
        outputs = await self._unless_gone(request, self.batcher.infer(read.inputs))
        answer = write_answer(read, outputs, self.net, VERSION)
        return Response(answer.body, headers=dict(answer.headers))

    def _check_room(self) -> None:
        """Raise Refusal where no more requests are taken; this one is in flight already."""
        most = self.batcher.limits.requests
        if self.draining:
            raise Refusal("the server is shutting down", status=503, retry_after_s=1)
        if self.in_flight > most:
            raise Refusal(
                f"{most} requests are here, and no more may be",
                status=503,
                retry_after_s=self.batcher.through_in_s(),
            )

    async def _unless_gone(
        self, request: Request, call: Coroutine[Any, Any, list[Rows]]
    ) -> list[Rows]:
        """Return what `call` does, or cancel it and raise Refusal where the client goes away."""
        own = asyncio.ensure_future(call)
        gone = asyncio.ensure_future(request.receive())  # past the body there is no other message
        try:
            await asyncio.wait((own, gone), return_when=asyncio.FIRST_COMPLETED)
            if own.done():
                return own.result()
            raise Refusal("the client has gone", status=499)
        finally:
            gone.cancel()
            own.cancel()

    async def _body(self, request: Request) -> bytearray:
        """Return a request's body; raises Refusal for one that is too long or doesn't come."""
        most = most_bytes(self.net)
        declared = request.headers.get("Content-Length", "0")
        too_long = Refusal(f"a request to this net has at most {most} bytes", status=413)
        if not declared.isdigit() or int(declared[:19]) > most:
            raise too_long
        body = bytearray()

        async def read() -> None:
            async for part in request.stream():
                if len(body) + len(part) > most:
                    raise too_long
                body.extend(part)

        try:
            await asyncio.wait_for(read(), self.batcher.limits.timeout_s)
        except asyncio.TimeoutError:
            raise Refusal("the request's body didn't come in time", status=408) from None
        except ClientDisconnect:
            raise Refusal("the client has gone", status=499) from None
        return body

    def _named(self, request: Request) -> Response | None:
        """Return the answer to a request for another model or version, None: it is this one."""
        model, version = request.path_params["model"], request.path_params.get("version", VERSION)
        if model != self.net.name:
            return _error(f"there is no model {model!r} here, but {self.net.name}", status=404)
        if version != VERSION:
            return _error(f"{model} has version {VERSION} alone", status=404)
        return None


def _json(values: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps(values).encode(), status, headers={"Content-Type": JSON, **(headers or {})}
    )


def _error(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": message}, status, headers)


def _refused(refusal: Refusal) -> Response:
    wait_s = refusal.retry_after_s
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return _error(refusal.message, refusal.status, headers)


async def _no_path(request: Request, error: Exception) -> Response:
    """Answer a path or a method that isn't here."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    return _error(f"{request.method} {request.url.path[:100]}: {_why(status)}", status, headers)


def _why(status: int) -> str:
    return {404: "there is no such path", 405: "that path has another method"}.get(
        status, "the server failed"
    )
