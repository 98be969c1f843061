"""The log: one JSON object a line on standard error, without a word of a request.

Lines of other libraries keep their first line only, and an exception keeps its type and the place of the code, since
messages and tracebacks may hold what was being read.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["JsonFormatter", "log_config", "where"]


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; ``fields`` of the record are laid into it."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().split("\n", 1)[0][:200],
            "process": record.process,
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info and record.exc_info[0] is not None:
            line |= where(record.exc_info[0], record.exc_info[2])
        return json.dumps(line)


def where(kind: type[BaseException], trace: TracebackType | None) -> dict[str, str]:
    """The type of an exception and the line of code it came from, without its message.

    Examples:
        >>> try:
        ...     {}["furosemide"]
        ... except KeyError as error:
        ...     where(type(error), error.__traceback__)["error"]
        'KeyError'
    """
    place = ""
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return {"error": kind.__name__, "at": place}


def log_config() -> dict[str, Any]:
    """What ``logging.config.dictConfig`` is given in each process of the service."""
    shared = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "cramprisk.service.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "loggers": {
            "cramprisk.service": shared,
            "uvicorn": shared,
            "uvicorn.error": shared,
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "asyncio": shared | {"level": "WARNING"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }
