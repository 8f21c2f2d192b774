"""What refuses an upload → the error that a client is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.records.file_uploads import PieceRefused, UploadGone
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.problem import BodyTooLarge


@contextmanager
def upload_refusals() -> Iterator[None]:
    """Let what uploads raise be told with its own status: 404, 413 or 400."""
    try:
        yield
    except ClientDisconnect:
        raise CallRefused(400, "The body broke off.") from None
    except RecordInvalid as refused:
        if any(violation.code == "upload.too_large" for violation in refused.violations):
            raise BodyTooLarge(refused.entity, refused.violations) from refused
        raise
    except UploadGone as gone:
        raise CallRefused(404, str(gone)) from gone
    except PieceRefused as refused:
        raise CallRefused(400, str(refused)) from refused
