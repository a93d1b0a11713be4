"""Sequences and templates from disk: read with distrust, checked as a whole, watched for changes."""

from cadenced.library.admission import Admission
from cadenced.library.loading import Library, Shelves, load, shelves

__all__ = ["Admission", "Library", "Shelves", "load", "shelves"]
