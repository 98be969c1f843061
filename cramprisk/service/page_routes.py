"""The page: its files, and what it asks while a list is typed.

Nothing is stored: a request is answered and forgotten, every answer says ``no-store``, and no error repeats what was sent.
The page runs only its own script and style (:data:`HEADERS`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache
from html import escape
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cramprisk.checker import Checker
from cramprisk.errors import InputError, MissingExtraError
from cramprisk.report_html import to_body
from cramprisk.report_style import PAGE_STYLE, STYLE
from cramprisk.service.asked import Asked, read_asked, read_form
from cramprisk.service.uploads import MAX_FILE_BYTES, opened

__all__ = ["HEADERS", "page_routes"]

MAX_LIST_BYTES = 256 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    # form-action names the page itself: without script the list is sent as a form, to the same place and nowhere else.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TYPES = {"page.css": "text/css", "report.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_TITLES = {400: "Bad request", 413: "Too large", 415: "Wrong type of content", 422: "Cannot be read"}


class _Json(JSONResponse):
    """JSON in ASCII: half of a surrogate pair in a text must not break the answer."""

    def render(self, content: object) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class _RefusedError(Exception):
    """A request that is not answered: why, as the person at the page may read it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def page_routes(checker: Checker) -> list[BaseRoute]:
    """The routes of the page, to be mounted at the root of an application.

    ``GET /`` is the page, ``GET /static/…`` its files, ``POST /api/check`` reads a list, ``POST /api/open`` reads a file, and
    ``POST /report`` answers the form of the page where no script runs.

    Args:
        checker: Over which tables.

    Examples:
        >>> [route.path for route in page_routes(Checker.default())]
        ['/', '/static/{name}', '/api/check', '/api/open', '/report']
    """
    # A checker of a service may keep the entries read last. What is typed here, half a name or a slip into the wrong
    # field, is to be forgotten.
    if checker.remember:
        checker = Checker(checker.tables)

    async def check(request: Request) -> Response:
        _insist(request, "application/json")
        body = await _body(request, MAX_LIST_BYTES)
        return _Json(await run_in_threadpool(lambda: read_asked(body).answer(checker)), headers=HEADERS)

    async def open_file(request: Request) -> Response:
        # A form of another site cannot send this header: no foreign page makes this one work.
        kind = request.headers.get("x-file-kind", "")
        body = await _body(request, MAX_FILE_BYTES)
        return _Json(await run_in_threadpool(opened, body, kind, checker), headers=HEADERS)

    async def report(request: Request) -> Response:
        _insist(request, "application/x-www-form-urlencoded")
        body = await _body(request, MAX_LIST_BYTES)
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
        except ValueError:
            raise _RefusedError(422, "the form has too many fields.") from None
        return HTMLResponse(await run_in_threadpool(lambda: _report_page(read_form(fields), checker)), headers=HEADERS)

    return [
        Route("/", _page, methods=["GET"]),
        Route("/static/{name}", _static, methods=["GET"]),
        Route("/api/check", _guarded(check, _problem), methods=["POST"]),
        Route("/api/open", _guarded(open_file, _problem), methods=["POST"]),
        Route("/report", _guarded(report, _refused_page), methods=["POST"]),
    ]


# ---------------------------------------------------------------------- requests


def _insist(request: Request, wanted: str) -> None:
    """Refuse other types of content; a form of another site cannot send JSON unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise _RefusedError(415, f"the content type must be {wanted}.")


async def _body(request: Request, limit: int) -> bytes:
    """The body of a request, read no further than its limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise _RefusedError(413, f"more than {limit // 1024} kB. Check long lists with the command line.")
    return bytes(body)


def _guarded(
    answer: Callable[[Request], Awaitable[Response]], refuse: Callable[[int, str], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except _RefusedError as error:
            return refuse(error.status, error.detail)
        except (InputError, MissingExtraError) as error:
            return refuse(422, str(error))
        except ClientDisconnect:
            # The page asks anew with every change and lets the older question go.
            return Response(status_code=400)

    return guarded


def _problem(status: int, detail: str) -> Response:
    """A refusal as problem details (RFC 9457)."""
    content = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    return _Json(content, status, HEADERS, media_type="application/problem+json")


# ---------------------------------------------------------------------- pages and files


@cache
def _file(name: str) -> str:
    if name == "report.css":
        return PAGE_STYLE + STYLE
    return (files("cramprisk.service") / "static" / name).read_text(encoding="utf-8")


async def _page(request: Request) -> Response:
    return HTMLResponse(_file("index.html"), headers=HEADERS)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _TYPES:
        return Response("No such file.", 404, HEADERS, media_type="text/plain")
    return Response(_file(name), headers=HEADERS, media_type=_TYPES[name])


def _report_page(asked: Asked, checker: Checker) -> str:
    """The report for a browser without script: the same report, with the way back."""
    return _shell(to_body(asked.report(checker), level=1))


def _refused_page(status: int, detail: str) -> Response:
    body = f'<h1 class="title">The list was not checked</h1>\n<p class="refused">{escape(detail)}</p>\n'
    return HTMLResponse(_shell(body), status, HEADERS)


def _shell(body: str) -> str:
    before, _, after = _file("plain.html").partition("<!-- body -->")
    return before + body + after
