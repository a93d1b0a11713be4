"""Sequences and templates from disk: read with distrust, checked as a whole, watched for changes."""

from cadenced.library.admission import Admission
from cadenced.library.loading import Library, Shelves, courses, load, shelves
from cadenced.library.watch import LibrarySource
from cadenced.library.workspace import starter, write_workspace

__all__ = [
    "Admission",
    "Library",
    "LibrarySource",
    "Shelves",
    "courses",
    "load",
    "shelves",
    "starter",
    "write_workspace",
]
