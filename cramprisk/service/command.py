"""``cramprisk serve``: its options, and the server."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.service.port import Port, can_be_shared_out
from cramprisk.service.settings import Issuer, Settings

if TYPE_CHECKING:
    import uvicorn

__all__ = ["run", "settings_of"]

_GRACE_S = 20
_KEEP_ALIVE_S = 20


class _Keys(argparse.Action):
    """Keeps issuers and their keys in the order given: keys belong to the issuer before them."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        given = [*(getattr(namespace, "trust", None) or ()), (self.dest, values)]
        namespace.trust = given


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(
        prog="cramprisk serve",
        description="Serve CDS Hooks and the page. Without options: on this machine only, without tokens.",
        epilog="docs/service.md says how to integrate and deploy it, and what it guards against.",
    )
    where = parser.add_argument_group("where")
    where.add_argument("--host", default=default.host, help=f"address to listen on (default {default.host})")
    where.add_argument("--port", type=int, default=default.port, help=f"port to listen on (default {default.port})")
    where.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1); one a core is a good start")
    where.add_argument("--tls-cert", default="", metavar="FILE", help="certificate, to speak HTTPS without a proxy")
    where.add_argument("--tls-key", default="", metavar="FILE", help="its key")
    who = parser.add_argument_group("who may ask")
    who.add_argument("--jwt-issuer", action=_Keys, metavar="ISS", help="take signed tokens of this issuer; may be repeated")
    who.add_argument("--jwks-url", action=_Keys, metavar="URL", help="key set of the issuer before it, fetched when needed")
    who.add_argument("--jwks-file", action=_Keys, metavar="FILE", help="key set of the issuer before it, read at the start")
    who.add_argument("--audience", default="", metavar="URL", help="the address of this service as clients write it")
    who.add_argument(
        "--token-life", type=int, default=default.token_life_s, metavar="S", help="longest life of a token (default 3600)"
    )
    who.add_argument(
        "--replay-store", default="", metavar="FILE", help="keep the tokens seen in this file, over restarts of the service too"
    )
    who.add_argument("--allow-unauthenticated", action="store_true", help="listen beyond this machine without tokens")
    who.add_argument(
        "--cors-origin", action="append", default=[], metavar="ORIGIN", help="let pages of this origin call; may be repeated"
    )
    what = parser.add_argument_group("what is served")
    page = what.add_mutually_exclusive_group()
    page.add_argument("--page", action="store_true", default=None, dest="page", help="serve the page beside tokens, without one")
    page.add_argument("--no-page", action="store_false", dest="page", help="do not serve the page")
    what.add_argument("--source-url", default="", metavar="URL", help="shown as the source of cards")
    what.add_argument("--tables", default="", metavar="FOLDER", help="use the tables in this folder")
    what.add_argument("--extra", default="", metavar="FOLDER", help="lay the names of this folder over the tables")
    what.add_argument("--vocabulary", default="", metavar="FILE", help="look what the tables do not know up in this file")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-body-bytes", type=int, default=default.max_body_bytes, metavar="N", help="default 5000000")
    limits.add_argument("--read-limit", type=float, default=default.read_limit_s, metavar="S", help="for headers, for a body; 10")
    limits.add_argument("--time-limit", type=float, default=default.time_limit_s, metavar="S", help="for an answer; default 10")
    limits.add_argument("--concurrency", type=int, default=default.concurrency, metavar="N", help="connections a worker; 512")
    limits.add_argument(
        "--remember", type=int, default=default.remember, metavar="N", help="entries kept with their reading; 0 keeps none"
    )
    return parser


def settings_of(arguments: Sequence[str]) -> Settings:
    """The settings that the options say, checked.

    Raises:
        InputError: They do not go together.
        SystemExit: An option is unknown or has no value, or help was asked for.

    Examples:
        >>> settings_of(["--port", "9000"]).port
        9000
    """
    given = _parser().parse_args(arguments)
    issuers = _issuers(getattr(given, "trust", None) or [])
    settings = Settings(
        host=given.host,
        port=given.port,
        workers=given.workers,
        issuers=issuers,
        audience=given.audience,
        cors_origins=tuple(given.cors_origin),
        # The page cannot show a token. Beside tokens it is served only if that is asked for in so many words.
        page=not issuers if given.page is None else given.page,
        allow_unauthenticated=given.allow_unauthenticated,
        replay_store=given.replay_store,
        max_body_bytes=given.max_body_bytes,
        read_limit_s=given.read_limit,
        time_limit_s=given.time_limit,
        remember=given.remember,
        concurrency=given.concurrency,
        token_life_s=given.token_life,
        source_url=given.source_url,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        tables=given.tables,
        extra=given.extra,
        vocabulary=given.vocabulary,
    )
    settings.check()
    for option, file in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key)):
        if file and not Path(file).is_file():
            raise InputError(f"{option}: {file} is not a file.")
    return settings


def _issuers(given: Sequence[tuple[str, str]]) -> tuple[Issuer, ...]:
    found: list[Issuer] = []
    for option, value in given:
        if option == "jwt_issuer":
            found.append(Issuer(value))
        elif not found:
            raise InputError(f"--{option.replace('_', '-')}: belongs to an issuer. Give --jwt-issuer before it.")
        elif option == "jwks_url":
            last = found[-1]
            found[-1] = Issuer(last.name, (*last.key_urls, value), last.key_files)
        else:
            last = found[-1]
            found[-1] = Issuer(last.name, last.key_urls, (*last.key_files, value))
    return tuple(found)


def run(arguments: Sequence[str]) -> int:
    """Serve until told to stop.

    Args:
        arguments: Those behind ``serve``.

    Returns:
        The exit code: 0 after a stop that was asked for.

    Raises:
        InputError: The options do not go together.
        MissingExtraError: The extra ``service`` is not installed.
    """
    settings = settings_of(arguments)
    try:
        import jwt
        import uvicorn

        from cramprisk.service.app import create_app
        from cramprisk.service.logs import log_config
        from cramprisk.service.protocol import PatientProtocol, head_limit
        from cramprisk.service.worker import SETTINGS
    except ImportError as error:
        raise MissingExtraError(
            f'cramprisk serve needs the extra "service" ({error.name} is missing): pip install "cramprisk[service]"'
        ) from None
    del create_app, jwt  # imported to see that all is there before any worker starts
    with contextlib.ExitStack() as stack:
        settings = _with_store(settings, stack)
        _try_keys(settings)
        os.environ[SETTINGS] = settings.to_json()
        os.environ |= head_limit(settings.read_limit_s)
        gc.enable()  # a command runs without the collector; a service must not
        # uvicorn raises the signal that stopped it once more when all is done; an orderly stop is no failure.
        signal.signal(signal.SIGTERM, _done)
        options: dict[str, Any] = {
            "app": "cramprisk.service.worker:worker_app",
            "factory": True,
            "host": settings.host,
            "port": settings.port,
            "workers": settings.workers,
            "http": PatientProtocol,
            "ws": "none",
            "lifespan": "on",
            "log_config": log_config(),
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,
            "limit_concurrency": settings.concurrency,
            "timeout_keep_alive": _KEEP_ALIVE_S,
            "timeout_graceful_shutdown": _GRACE_S,
            "ssl_certfile": settings.tls_cert or None,
            "ssl_keyfile": settings.tls_key or None,
        }
        if settings.workers > 1 and can_be_shared_out():
            _run_workers(uvicorn.Config(**options))
        else:
            uvicorn.run(**options)
    sys.stdout.flush()
    return 0


def _run_workers(config: uvicorn.Config) -> None:
    """What uvicorn does for several workers, with a socket for each."""
    from uvicorn.supervisors import Multiprocess

    # A plain socket first: it finds out whether somebody is there already, which sockets that share do not.
    with config.bind_socket() as found:
        family, address = found.family, found.getsockname()
    with Port.at(family, address) as port, contextlib.suppress(KeyboardInterrupt):
        Multiprocess(config, sockets=[port]).run()


def _done(_: int, __: FrameType | None) -> None:
    """Do nothing more at the signal that has been obeyed."""


def _with_store(settings: Settings, stack: contextlib.ExitStack) -> Settings:
    """The settings with a file for the tokens seen that all workers share; its folder can be read by this user only."""
    from dataclasses import replace

    if not settings.issuers or settings.replay_store:
        return settings
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cramprisk-"))
    return replace(settings, replay_store=str(Path(folder) / "tokens.db"))


def _try_keys(settings: Settings) -> None:
    """See that key files can be used before a worker fails over them."""
    if settings.issuers:
        import sqlite3

        from cramprisk.service.replay import ReplayStore
        from cramprisk.service.tokens import Gate

        try:
            store = ReplayStore(settings.replay_store)
        except sqlite3.Error:
            raise InputError(
                f"--replay-store: {settings.replay_store} cannot be used. Name a file in a folder of yours."
            ) from None
        try:
            Gate(settings, store)
        finally:
            store.close()
