"""Imports of files: asked for and looked at here (`requests`), and taken in by a worker (`worker`)."""

from chalicelib.services.import_files.requests import cancel, create, find, find_page

__all__ = ["cancel", "create", "find", "find_page"]
