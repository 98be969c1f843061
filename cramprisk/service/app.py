"""The application: CDS Hooks, health, OpenAPI, and the page where it is wanted.

Reading and checking run in a few threads, so that the loop stays free for other requests, for health and for limits.
Nothing of a request outlives its answer, but the entries that the checker keeps to read them faster (``remember``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cramprisk._version import __version__
from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.cds_hooks import SERVICES, HookError, discovery, read_feedback
from cramprisk.integrations.cds_hooks import answer as reply
from cramprisk.json_objects import TwiceError, each_once
from cramprisk.model import Kind
from cramprisk.service.guards import Limits, Watch, outcome, say
from cramprisk.service.openapi import openapi
from cramprisk.service.replay import ReplayStore
from cramprisk.service.settings import Settings
from cramprisk.service.tokens import Gate, RefusedError, UnavailableError

__all__ = ["create_app"]

_CHECKING_THREADS = 4
_TOKEN_THREADS = 4
_JSON_TYPES = ("application/json", "application/fhir+json")
_NO_LET_IN = "A valid token is needed."

_T = TypeVar("_T")


class _Json(Response):
    """JSON in ASCII: any text survives, lone surrogates too, and nothing in it ends a script."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode("ascii")


def create_app(checker: Checker, settings: Settings | None = None, *, store: ReplayStore | None = None) -> Starlette:
    """The service as an ASGI application, for another server than that of ``cramprisk serve`` too.

    Args:
        checker: Reads the entries. Give it `remember` to have equal entries read once.
        settings: Limits, tokens, origins; those of a service on this machine without tokens if None.
        store: Where tokens seen are kept; needed if `settings` name issuers.

    Raises:
        InputError: The settings do not go together, or a key file cannot be used.

    Examples:
        >>> app = create_app(Checker.default())
        >>> sorted({route.path for route in app.routes if route.path.startswith("/cds-services")})
        ['/cds-services', '/cds-services/{id}', '/cds-services/{id}/feedback']
    """
    settings = settings or Settings()
    settings.check()
    if settings.issuers and store is None:
        raise InputError("store: is needed with issuers, so that a token is taken once.")
    gate = Gate(settings, store) if settings.issuers and store is not None else None
    checking = _Threads(_CHECKING_THREADS, "check")
    admitting = _Threads(_TOKEN_THREADS, "token")

    async def run(work: Callable[[], _T]) -> _T:
        async with asyncio.timeout(settings.time_limit_s):
            return await checking.run(work)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await checking.run(lambda: _warm(checker))
        yield
        checking.stop()
        admitting.stop()

    document = openapi(settings)

    async def services(_: Request) -> Response:
        return _Json(discovery())

    async def service(request: Request) -> Response:
        hook = _hook(request)
        body = await _body(request)

        def answer() -> tuple[bytes, dict[str, Any]]:
            asked = _parsed(body)
            if isinstance(asked, dict) and isinstance(asked.get("hook"), str) and asked["hook"] != hook:
                raise HookError("hook: is not that of this service.", code="value")
            made = reply(asked, checker=checker, source_url=settings.source_url or None)
            counts = {"entries": made.entries, "unread": made.unread, "cards": len(made.cards)}
            return json.dumps(made.to_dict(), separators=(",", ":")).encode("ascii"), counts

        content, counts = await run(answer)
        say(request.scope, hook=hook, **counts)
        return _Json(content)

    async def feedback(request: Request) -> Response:
        hook = _hook(request)
        body = await _body(request)
        counts = await run(lambda: read_feedback(_parsed(body)))
        say(request.scope, hook=hook, feedback=counts)
        return _Json({"received": sum(counts["outcomes"].values())})

    async def health(_: Request) -> Response:
        return _Json({"status": "ok", "version": __version__, "tables": checker.tables.version})

    async def described(_: Request) -> Response:
        return _Json(document)

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        if gate is None:
            return endpoint

        async def asked(request: Request) -> Response:
            path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).rstrip("/")
            # Feedback is about a service, and clients differ in which of the two addresses they sign for.
            paths = {path, path.removesuffix("/feedback")}
            try:
                given = request.headers.getlist("authorization")
                await admitting.run(lambda: gate.admit(given, paths))
            except RefusedError as error:
                say(request.scope, refused=str(error))
                return _Json(outcome(401, _NO_LET_IN), 401, {"www-authenticate": "Bearer"})
            except UnavailableError as error:
                say(request.scope, failed=str(error))
                return _Json(outcome(503, "Tokens cannot be checked now."), 503, {"retry-after": "10"})
            return await endpoint(request)

        return asked

    routes: list[BaseRoute] = [
        Route("/cds-services", guarded(services), methods=["GET"]),
        Route("/cds-services/{id}", guarded(service), methods=["POST"]),
        Route("/cds-services/{id}/feedback", guarded(feedback), methods=["POST"]),
        Route("/health", health, methods=["GET"]),
        Route("/openapi.json", described, methods=["GET"]),
    ]
    if settings.page:
        routes += _page(checker)
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(Watch, write_limit_s=settings.read_limit_s),
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-request-id"],
                expose_headers=["x-request-id"],
                max_age=600,
            ),
            Middleware(
                Limits,
                max_body_bytes=settings.max_body_bytes,
                read_limit_s=settings.read_limit_s,
                time_limit_s=settings.time_limit_s,
            ),
            Middleware(_Route, routes=routes),
        ],
        exception_handlers={HTTPException: _http_error, HookError: _hook_error, InputError: _input_error},
    )


class _Threads:
    """A few threads, begun when they are first needed: an application may be started, stopped, and started anew."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], _T]) -> _T:
        """What some work gives, done in one of the threads."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=self._name)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def stop(self) -> None:
        """Take on nothing more. What still runs was given up by its request; it is not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


class _Route:
    """Lays the route of a request into its log line: the pattern, since a path may hold anything."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self.app = app
        self.paths: dict[Any, str] = {route.endpoint: route.path for route in routes if isinstance(route, Route)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            say(scope, route=self.paths.get(scope.get("endpoint")))


def _page(checker: Checker) -> list[BaseRoute]:
    from cramprisk.service.page_routes import page_routes

    return page_routes(checker)


def _warm(checker: Checker) -> None:
    """Build what the first request would otherwise wait for."""
    checker.check(["furosemide", "furosemdie"], ["hypertnsion"])
    for kind in Kind:
        checker.matcher(kind)


def _hook(request: Request) -> str:
    hook = SERVICES.get(request.path_params["id"])
    if hook is None:
        raise HTTPException(404, "There is no such service.")
    return hook


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise HTTPException(415, "The body must be application/json.")
    return await request.body()


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_no_constant, object_pairs_hook=each_once)
    except RecursionError:
        raise HookError("the request: is nested too deep.", code="structure") from None
    except TwiceError:
        raise HookError("the request: has a name twice in one object.", code="structure") from None
    except ValueError:
        # The message of the library would hold what was read.
        raise HookError("the request: is no JSON in UTF-8.", code="structure") from None


def _no_constant(_: str) -> object:
    raise ValueError


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    text = error.detail if isinstance(error, HTTPException) and status not in (404, 405) else said.get(status, "")
    headers = getattr(error, "headers", None)
    return _Json(outcome(status, text), status, headers)


async def _hook_error(_: Request, error: Exception) -> Response:
    return _Json(error.to_dict(), error.status) if isinstance(error, HookError) else _Json(outcome(500, ""), 500)


async def _input_error(_: Request, error: Exception) -> Response:
    return _Json(outcome(400, str(error)), 400)
