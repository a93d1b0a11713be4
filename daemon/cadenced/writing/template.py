"""A template: a subject and a Markdown body with variables, read once, rendered for each prospect into a draft."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import jinja2
from jinja2 import meta, nodes

from cadenced.core.model import Draft
from cadenced.errors import Problem, TemplateError
from cadenced.writing import grammar
from cadenced.writing.environment import BODY, SUBJECT, Environment
from cadenced.writing.filters import MOST_ROUNDS
from cadenced.writing.values import OutOfBoundsError, UnfilledError, prepared

LARGEST_OUTPUT = 256 * 1024
"""Characters of a rendered text (RELIABILITY I27)."""

LONGEST_SUBJECT = 500

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WHAT_RENDERING_RAISES = (
    jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
    MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """The subject or the body, compiled; ``offset`` is added to its lines, ``column`` to those of its first line."""

    source: str
    offset: int
    column: int
    compiled: jinja2.Template = field(repr=False)
    variables: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """One version of one template. ``version`` is the digest of its source, ``file`` the name in its problems.

    ``language`` is the one it is written in, "" where its front matter does not say; days are said in it.

    ``variables`` are all that it mentions; ``required`` those that refuse a row which leaves them empty.
    """

    name: str
    file: str
    version: str
    heading: Part
    text: Part
    language: str = ""

    def plain(self) -> tuple[object, ...]:
        """Return text and numbers that ``again`` makes the same template of, in another process too."""
        parts = [(part.source, part.offset, part.column) for part in (self.heading, self.text)]
        return (self.name, self.file, self.version, *parts, self.language)

    @property
    def subject(self) -> str:
        """The subject's source."""
        return self.heading.source

    @property
    def body(self) -> str:
        """The body's source."""
        return self.text.source

    @property
    def body_offset(self) -> int:
        """How many lines of the file stand before the body's first."""
        return self.text.offset

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that the template mentions."""
        return self.heading.variables | self.text.variables

    @property
    def required(self) -> frozenset[str]:
        """The variables that have no fallback and stand in no ``if`` about them."""
        return self.heading.required | self.text.required

    @property
    def optional(self) -> frozenset[str]:
        """The variables that a row may leave empty: all their uses have a fallback or an ``if``."""
        return self.variables - self.required

    def render(self, context: Mapping[str, object]) -> Draft:
        """Return the draft for one prospect; TemplateError names the line, the variable and the cure."""
        values = {name: prepared(name, context[name]) for name in self.variables if name in context}
        values |= {name: context[name] for name in ("_language", "_today", "_country") if name in context}
        values |= {"_rounds": [MOST_ROUNDS]} | ({"_language": self.language} if self.language else {})
        subject = self._rendered(self.heading, values, context).strip()
        body = self._rendered(self.text, values, context).strip("\n")
        self._check(subject, body)
        return Draft(subject, body, self.name, self.version)

    def _rendered(self, part: Part, values: dict[str, object], context: Mapping[str, object]) -> str:
        compiled = part.compiled
        try:
            return _capped(compiled.root_render_func(compiled.new_context(values)))
        except UnfilledError as error:
            problem = self._unfilled(part, error, context)
            raise TemplateError(problem) from error
        except _WHAT_RENDERING_RAISES as error:
            line = _line_in(compiled, error.__traceback__)
            message = f"it cannot be rendered: {_words(error)}"
            raise TemplateError(_problem(self.file, part, grammar.Fault(line, "", message))) from error

    def _unfilled(self, part: Part, error: UnfilledError, context: Mapping[str, object]) -> Problem:
        line = _line_in(part.compiled, error.__traceback__)
        if error.blank:
            message, cure = f"{error.name} is empty", f'fill it in, or give a fallback: {error.name} | default("…")'
        else:
            known = (name for name in context if not name.startswith("_"))
            message = f"there is no field {error.name!r}"
            cure = grammar.nearest(error.name, known) or "add the column, or give a fallback"
        return _problem(self.file, part, grammar.Fault(line, error.name, message, cure))

    def _check(self, subject: str, body: str) -> None:
        fault = _UNPRINTABLE.search(subject)
        if not subject:
            self._refuse("the subject comes out empty", "give its variables a fallback")
        if fault or "=?" in subject:
            what = "a line break" if fault and fault[0] in "\n\r\u2028\u2029" else "characters that no subject may have"
            self._refuse(f"the subject comes out with {what}", "clean the value that brings them in")
        if len(subject) > LONGEST_SUBJECT:
            self._refuse(f"the subject comes out with {len(subject)} characters", f"{LONGEST_SUBJECT} is the most")
        if not body.strip():
            fault_in_body = grammar.Fault(1, "", "the body comes out empty", "give its variables a fallback")
            raise TemplateError(_problem(self.file, self.text, fault_in_body))

    def _refuse(self, message: str, cure: str) -> None:
        raise TemplateError(_problem(self.file, self.heading, grammar.Fault(1, "", message, cure)))


def parse(source: str, name: str, file: str = "") -> Template:
    """Read a template; TemplateError tells the first thing that is wrong, with its line in ``file``."""
    from cadenced.writing import frontmatter  # noqa: PLC0415 - YAML is large, and who only renders reads none

    path = file or f"{name}.md"
    matter = frontmatter.split(source, path)
    version = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    subject = matter.subject.strip()
    heading = _compiled(SUBJECT, subject, (matter.subject_line - 1, matter.subject_column - 1), path)
    text = _compiled(BODY, matter.body, (matter.body_offset, 0), path)
    return Template(name, path, version, heading, text, matter.language)


def again(plain: Sequence[Any]) -> Template:
    """Return the template that ``Template.plain`` told of; whoever read it first has found nothing wrong with it."""
    name, file, version, (subject, *subject_at), (body, *body_at), language = plain
    heading = _compiled(SUBJECT, subject, (subject_at[0], subject_at[1]), file)
    text = _compiled(BODY, body, (body_at[0], body_at[1]), file)
    return Template(name, file, version, heading, text, language)


def _compiled(environment: Environment, source: str, place: tuple[int, int], file: str) -> Part:
    part = Part(source, *place, compiled=_NOTHING)
    try:
        tree = _tree(environment, part, file)
        variables = frozenset(meta.find_undeclared_variables(tree))
        required = grammar.needed(tree) & variables
        guarded = grammar.Guards().visit(tree)
        code = environment.compile(guarded, name=file, filename=f"<{file}>")
        compiled = jinja2.Template.from_code(environment, code, {})
    except jinja2.TemplateSyntaxError as error:
        fault = grammar.Fault(error.lineno, "", _sentence(error.message or "it cannot be read"))
        raise TemplateError(_problem(file, part, fault)) from error
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        fault = grammar.Fault(1, "", "it is nested too deeply to be read", "make it simpler")
        raise TemplateError(_problem(file, part, fault)) from error
    return Part(source, *place, compiled, variables, required)


def _tree(environment: Environment, part: Part, file: str) -> nodes.Template:
    raw = grammar.raw_line(part.source)
    if raw:
        fault = grammar.Fault(raw, "raw", "raw cannot be used in a template", "write {{ '{{' }} to show two braces")
        raise TemplateError(_problem(file, part, fault))
    tree = environment.parse(grammar.with_standing_tags(part.source))
    fault_found = min(grammar.faults(tree), key=lambda fault: fault.line, default=None)
    if fault_found:
        raise TemplateError(_problem(file, part, fault_found))
    return tree


def _capped(pieces: Iterable[str]) -> str:
    """Join what streams out of a template while it stays within bounds."""
    out: list[str] = []
    room = LARGEST_OUTPUT
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise OutOfBoundsError(f"the text comes to more than {LARGEST_OUTPUT // 1024} KB")
        out.append(piece)
    return "".join(out)


def _problem(file: str, part: Part, fault: grammar.Fault) -> Problem:
    """Place a fault in the file: lines are counted on, and the column is where its words (or the first tag) stand."""
    lines = part.source.split("\n")
    text = lines[fault.line - 1] if 0 < fault.line <= len(lines) else ""
    found = _column(text, fault.near)
    column = found + (part.column if fault.line == 1 else 0) if found or fault.line == 1 else 0
    return Problem(file, fault.line + part.offset, column, fault.message, fault.cure)


def _column(text: str, near: str) -> int:
    tags = [found.start() for found in re.finditer(r"\{[{%#]", text)]
    start = tags[0] if tags else 0
    word = re.search(rf"(?<![\w.]){re.escape(near)}(?!\w)", text[start:]) if near else None
    if word:
        return start + word.start() + 1
    return start + 1 if text else 0


def _line_in(compiled: jinja2.Template, trace: TracebackType | None) -> int:
    name = compiled.root_render_func.__code__.co_filename
    line = 1
    while trace:
        if trace.tb_frame.f_code.co_filename == name:
            line = compiled.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _words(error: BaseException) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError | MemoryError) else str(error) or "it fails"


def _sentence(text: str) -> str:
    first = text.strip().rstrip(".")
    return first[:1].lower() + first[1:]


_NOTHING = jinja2.Template.from_code(SUBJECT, SUBJECT.compile("", name="", filename="<nothing>"), {})
