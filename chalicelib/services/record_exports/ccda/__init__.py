"""A copy of a record as a Continuity of Care Document (C-CDA R2.1)."""

from chalicelib.services.record_exports.ccda.document import write

__all__ = ["write"]
