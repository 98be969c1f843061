"""What each process of the service builds for itself."""

from __future__ import annotations

import gc
import os

from starlette.applications import Starlette

from cramprisk.checker import Checker, load_tables
from cramprisk.service.app import create_app
from cramprisk.service.replay import ReplayStore
from cramprisk.service.settings import Settings

__all__ = ["SETTINGS", "worker_app"]

SETTINGS = "CRAMPRISK_SERVICE"
"""The environment variable that hands the settings to the workers."""


def worker_app() -> Starlette:
    """The application, by the settings in the environment. uvicorn calls it once in each worker."""
    settings = Settings.from_json(os.environ[SETTINGS])
    tables = load_tables(settings.tables or None, extra=settings.extra or None, vocabulary=settings.vocabulary or None)
    store = ReplayStore(settings.replay_store) if settings.issuers else None
    app = create_app(Checker(tables, remember=settings.remember), settings, store=store)
    # The tables are never garbage: the collector need not walk them.
    gc.collect()
    gc.freeze()
    return app
