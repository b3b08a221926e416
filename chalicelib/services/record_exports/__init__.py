"""Copies of a patient's record, as a worker writes them. The API's import path has none of it."""

from chalicelib.services.record_exports.building import build

__all__ = ["build"]
