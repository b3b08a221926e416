"""Importing FHIR R4: everything that the clinic's systems send comes in here, and sending it again changes nothing."""

from chalicelib.services.imports.references import bring_up_to_date
from chalicelib.services.imports.take_in import take_in

__all__ = ["bring_up_to_date", "take_in"]
