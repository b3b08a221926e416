"""The bodies behind app.py's schedules."""

from chalicelib import observability
from chalicelib.handlers.functions import contained
from chalicelib.services import delivery, sealing

_SWEEP_SECONDS = 20


@contained
def sweep_outbox() -> int:
    """Take up what has been pending for over two minutes; returns how many rows."""
    swept = delivery.sweep()
    if swept:
        observability.event("outbox.swept", count=swept)
    return swept


@contained
def lock_seals() -> int:
    """Lock the chains' heads away, then seal what the stream has missed; returns how many entries that were."""
    sealing.lock_heads()
    missed = sealing.sweep(_SWEEP_SECONDS)
    if missed:
        observability.event("audit.swept", count=missed)
    return missed
