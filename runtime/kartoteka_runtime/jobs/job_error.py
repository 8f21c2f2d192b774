"""What an error of a job means: what is kept of it, and whether trying again can help."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any

from kartoteka.errors import (
    AccessDenied,
    PluginError,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
)
from kartoteka.plugin_api.jobs import JobFailed
from kartoteka_runtime.records.operation import TooDeep

_LONGEST_TEXT = 2000
_FRAMES = 8  # of the traceback, the innermost: what operators need to find the line

# What stays as it is, however often it is tried.
LASTING = (AccessDenied, JobFailed, PluginError, RecordInvalid, RecordNotFound, TooDeep)


def error_json(error: BaseException) -> str:
    """Return what is kept of an error.

    ``type``, ``text`` and ``trace`` are for operators; ``messages`` are keys with parameters, for
    people in their language.
    """
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES:]
    return json.dumps(
        {
            "type": type(error).__name__,
            "text": str(error)[:_LONGEST_TEXT],
            "messages": [
                {"code": code, "params": _plain(params)} for code, params in messages_of(error)
            ],
            "trace": "".join(frames),
        },
    )


def messages_of(error: BaseException) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the message keys, with what fills their placeholders, that tell people of an error."""
    match error:
        case JobFailed(code=code, params=params) | AccessDenied(code=code, params=params):
            return [(code, params)]
        case RecordInvalid(violations=violations):
            return [(violation.code, violation.params) for violation in violations]
        case RecordNotFound(entity=entity):
            return [("job.error.record_gone", {"entity": entity})]
        case RecordConflict():
            return [("error.conflict", {})]
    return []


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON holds them."""
    known = (str, int, float, bool, type(None))
    return {key: value if isinstance(value, known) else str(value) for key, value in params.items()}
