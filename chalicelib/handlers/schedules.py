"""The bodies behind app.py's schedules."""

from chalicelib import observability
from chalicelib.handlers.functions import contained
from chalicelib.services import delivery


@contained
def sweep_outbox() -> int:
    """Take up what has been pending for over two minutes; returns how many rows."""
    swept = delivery.sweep()
    if swept:
        observability.event("outbox.swept", count=swept)
    return swept
