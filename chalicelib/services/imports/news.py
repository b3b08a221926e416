"""Whether an import brings results that their patient should hear of."""

import json
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.records.categories import Category
from chalicelib.models import outbox
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction

RECENT = timedelta(days=30)
"""How old a result may be to be news. A chart that moves in from another system brings years of them."""

_RESULTS = frozenset({Category.LAB, Category.REPORT, Category.IMAGING})
_NO_RESULT_YET = frozenset({"registered", "cancelled", "entered-in-error", "unknown"})


def tell(tx: Transaction, patient_id: str, created: list[Record]) -> bool:
    """Post a notice, in the import's own transaction, where new records are results. Returns whether there are any."""
    news = [row for row in created if _is_news(row)]
    if news:
        outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, about={"record_id": news[0].record_id}, patient_id=patient_id))
    return bool(news)


def _is_news(row: Record) -> bool:
    is_recent = row.date_key >= clock.stamp(clock.now() - RECENT)
    return row.category in _RESULTS and is_recent and json.loads(row.view)["status"] not in _NO_RESULT_YET
