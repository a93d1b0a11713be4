"""A workspace in a folder of its own, written file by file."""

import pytest

from cadenced import library
from cadenced.errors import BrokenWorkspaceError

LETTER = '---\nsubject: "{{ company }}: your next step"\n---\nHello {{ first_name }},\n\nshall we go on?\n'


class Desk:
    """Two folders; ``problems`` are what is said of them, without the folder's own name."""

    def __init__(self, root):
        self.root = root
        self.where = library.Shelves(root / "sequences", root / "templates")
        self.where.sequences.mkdir()
        self.where.templates.mkdir()

    def sequence(self, name, text):
        return self._write(self.where.sequences / f"{name}.yaml", text)

    def template(self, name, text=LETTER):
        return self._write(self.where.templates / f"{name}.md", text)

    def _write(self, path, text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, **changes):
        return library.load(self._where(changes))

    def problems(self, **changes):
        try:
            library.load(self._where(changes))
        except BrokenWorkspaceError as wrong:
            return [str(problem).removeprefix(f"{self.root}/") for problem in wrong.problems]
        return []

    def _where(self, changes):
        names = ("sequences", "templates", "window", "timezone", "columns", "default_sequence", "config")
        return library.Shelves(**{name: changes.get(name, getattr(self.where, name)) for name in names})


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)
