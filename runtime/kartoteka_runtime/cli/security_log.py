"""Where `kartoteka serve` writes security events: a line each, on the standard error stream."""

from __future__ import annotations

import logging

from kartoteka_runtime.security.events import LOG_NAME


def write_security_log() -> None:
    """Write every security event of this process to the standard error stream."""
    log = logging.getLogger(LOG_NAME)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
