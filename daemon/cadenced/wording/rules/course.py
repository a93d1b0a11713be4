"""The sequence as a whole: what each touch brings, by which channel, and how far apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median

from cadenced.core.pacing import Delay
from cadenced.core.sequence import EmailStep, InviteStep, Sequence, Step, TaskStep, WaitStep
from cadenced.wording import text as texts
from cadenced.wording.findings import ERROR, WARNING, Hit
from cadenced.wording.language import chosen, fold
from cadenced.wording.rule import Course, SequenceRule
from cadenced.wording.rules.subject import REPLY
from cadenced.wording.settings import Settings

PHRASE_WORDS = 7
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_LINK = re.compile(r"(?:\]\(|<|\b(?=https?:))(https?://[^\s)>\"]+)")
_DAY = timedelta(days=1)


def _touches(course: Course) -> Iterator[tuple[int, Step]]:
    """Return the steps that reach somebody, with their index."""
    for index, step in enumerate(course.sequence.steps):
        if isinstance(step, EmailStep | InviteStep | TaskStep):
            yield index, step


def _mails(course: Course) -> Iterator[tuple[int, EmailStep | InviteStep]]:
    for index, step in _touches(course):
        if isinstance(step, EmailStep | InviteStep):
            yield index, step


def _few_touches(course: Course, settings: Settings) -> Iterable[Hit]:
    count = sum(1 for _ in _touches(course))
    if 0 < count < settings.fewest_touches:
        yield Hit(-1, -1, f"{count} touch" if count == 1 else f"{count} touches")


def _no_purpose(course: Course, _: Settings) -> Iterable[Hit]:
    for index, step in _touches(course):
        told = step.brief if isinstance(step, TaskStep) else ""
        if not step.purpose.strip() and not told.strip():
            yield Hit(index, index, step.id)


def _email_run(course: Course, settings: Settings) -> Iterable[Hit]:
    run = 0
    for index, step in _touches(course):
        run = 0 if isinstance(step, TaskStep) else run + 1
        if run == settings.most_emails_in_row + 1:
            yield Hit(index, index, str(run))


def _spacing(course: Course, settings: Settings) -> Iterable[Hit]:
    gaps = list(_gaps(course))
    slow = timedelta(seconds=3 * median(gap.total_seconds() for _, gap, _ in gaps)) if gaps else timedelta()
    for index, gap, mails in gaps:
        if mails and gap < _DAY * settings.least_gap_days:
            yield Hit(index, index, f"too close: {_days(gap)}")
        if gap > _DAY * settings.most_gap_days and gap > slow:
            yield Hit(index, index, f"too far: {_days(gap)}")


def _gaps(course: Course) -> Iterator[tuple[int, timedelta, bool]]:
    """Yield each touch but the first with the time since the one before, and whether both are mails."""
    gap, before = timedelta(), None
    for index, step in enumerate(course.sequence.steps):
        gap += step.after.roughly()
        if isinstance(step, WaitStep):
            gap += step.span.roughly()
            continue
        if before is not None:
            yield index, gap, not isinstance(step, TaskStep) and not isinstance(before, TaskStep)
        gap, before = timedelta(), step


def _days(gap: timedelta) -> str:
    days = gap / _DAY
    return f"{days:.0f} days" if days >= 1.5 else f"{gap.total_seconds() / 3600:.0f} hours"


def _no_then(course: Course, _: Settings) -> Iterable[Hit]:
    steps = course.sequence.steps
    if steps and not course.sequence.then:
        yield Hit(len(steps) - 1, len(steps) - 1)


def _repeated_phrase(course: Course, _: Settings) -> Iterable[Hit]:
    seen: dict[tuple[str, ...], str] = {}
    read: set[str] = set()
    for index, step in _mails(course):
        if step.template in read or step.template not in course.templates:
            continue
        read.add(step.template)
        own = _runs(course.templates[step.template], course.sequence.language)
        again = next((run for run in own if seen.get(run, step.template) != step.template), None)
        if again:
            yield Hit(index, index, f"{' '.join(again)} …” stands in {seen[again]} and in {step.template}")
        for run in own:
            seen.setdefault(run, step.template)


def _runs(source: str, language: str) -> list[tuple[str, ...]]:
    """Every run of seven words within a sentence of a template's own words."""
    body = source[texts.front_matter(source) :]
    body = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", ". ", body, flags=re.DOTALL)
    read = texts.without_markup(body)
    read = texts.without_frame(read, chosen(read, language))
    runs = []
    for sentence in re.split(r"[.!?]\s|\n\s*\n", fold(read)):
        words = _WORD.findall(sentence)
        runs += [tuple(words[at : at + PHRASE_WORDS]) for at in range(len(words) - PHRASE_WORDS + 1)]
    return runs


def _repeated_asset(course: Course, _: Settings) -> Iterable[Hit]:
    seen: dict[str, str] = {}
    for index, step in _mails(course):
        assets = [step.template, *_LINK.findall(course.templates.get(step.template, ""))]
        for asset in assets:
            if asset and asset in seen:
                yield Hit(index, index, asset)
                break
        seen.update(dict.fromkeys(assets, step.id))


def _fake_thread(course: Course, _: Settings) -> Iterable[Hit]:
    opened = False
    for index, step in _mails(course):
        source = course.templates.get(step.template, "")
        start, end = texts.subject_span(source, texts.front_matter(source))
        if (step.new_thread or not opened) and REPLY.match(source[start:end]):
            yield Hit(index, index, source[start:end])
        opened = True


def _step(n: int, days: float = 4, purpose: str = "what is new") -> EmailStep:
    return EmailStep(f"mail-{n}", Delay(days, "days"), purpose, template=f"mail-{n}")


def _call(n: int, days: float = 2) -> TaskStep:
    return TaskStep(f"call-{n}", Delay(days, "days"), "hear where they stand", brief="Call twice.")


def _course(*steps: Step, then: str = "nurture", **sources: str) -> Course:
    found = {name.replace("_", "-"): source for name, source in sources.items()}
    return Course(Sequence("after-proposal", steps, then=then), found)


_GOOD = _course(_step(1), _call(1), _step(2), _step(3))
_SAID = "You see each order on one page from the first day."

RULES = (
    SequenceRule(
        code="few-touches",
        severity=WARNING,
        title="Too few touches",
        message="only {detail}",
        cure="plan at least four, each with something new; most answers come after the second",
        source="follow-up statistics of sales teams; [lint] fewest_touches",
        check=_few_touches,
        fires=(_course(_step(1), _call(1), _step(2)),),
        silent=(_GOOD,),
    ),
    SequenceRule(
        code="no-purpose",
        severity=WARNING,
        title="A touch without purpose",
        message="step {detail} does not say what it is for",
        cure="write `purpose:`, what the reader gains by this touch",
        source="a touch without a purpose is a check-in",
        check=_no_purpose,
        fires=(_course(_step(1), _call(1), _step(2, purpose=""), _step(3)),),
        silent=(_GOOD,),
    ),
    SequenceRule(
        code="email-run",
        severity=WARNING,
        title="Only emails in a row",
        message="{detail} emails in a row",
        cure="put a call or another channel between them",
        source="another channel finds who does not read mail; [lint] most_emails_in_row",
        check=_email_run,
        fires=(_course(_step(1), _step(2), _step(3), _step(4)),),
        silent=(_GOOD,),
    ),
    SequenceRule(
        code="step-spacing",
        severity=WARNING,
        title="Steps too close or too far",
        message="{detail} after the touch before",
        cure="leave a day at least between mails, and three weeks at most where the others follow faster",
        source="[lint] least_gap_days, most_gap_days",
        check=_spacing,
        fires=(
            _course(_step(1), _step(2, 0.25), _call(1), _step(3)),
            _course(_step(1), _call(1), _step(2, 40), _step(3)),
        ),
        silent=(_GOOD,),
    ),
    SequenceRule(
        code="no-then",
        severity=WARNING,
        title="The end leads nowhere",
        message="nothing follows the last step",
        cure="name the sequence that follows with `then:`",
        source="nobody without a next step",
        check=_no_then,
        fires=(_course(_step(1), _call(1), _step(2), _step(3), then=""),),
        silent=(_GOOD,),
    ),
    SequenceRule(
        code="repeated-phrase",
        severity=WARNING,
        title="The same words twice",
        message="“{detail}",
        cure="say something new in each touch",
        source="what was read and not answered is not answered when it comes again",
        check=_repeated_phrase,
        fires=(_course(_step(1), _call(1), _step(2), _step(3), mail_1=_SAID, mail_3=_SAID),),
        silent=(
            _course(_step(1), _call(1), _step(2), _step(3), mail_1=_SAID, mail_3="You choose who may change an order."),
        ),
    ),
    SequenceRule(
        code="repeated-asset",
        severity=WARNING,
        title="The same asset twice",
        message="{detail} is sent a second time",
        cure="bring another page, case or file",
        source="each touch brings something of its own",
        check=_repeated_asset,
        fires=(
            _course(
                _step(1),
                _call(1),
                _step(2),
                _step(3),
                mail_1="[Guide](https://abc.example/guide)",
                mail_2="See <https://abc.example/guide>",
            ),
        ),
        silent=(
            _course(
                _step(1),
                _call(1),
                _step(2),
                _step(3),
                mail_1="[Guide](https://abc.example/guide)",
                mail_2="[Case](https://abc.example/case)",
            ),
        ),
    ),
    SequenceRule(
        code="fake-thread",
        severity=ERROR,
        title="A thread that never was",
        message="“{detail}” opens a thread as if it were an answer",
        cure="leave the prefix out; `thread: continue` writes it where it is true",
        source="16 CFR 316 and 15 USC 7704(a)(2): subject headings must not deceive",
        check=_fake_thread,
        fires=(
            _course(_step(1), _call(1), _step(2), _step(3), mail_1="---\nsubject: 'Re: your plan'\n---\nYou asked."),
        ),
        silent=(_course(_step(1), _call(1), _step(2), _step(3), mail_1="---\nsubject: Your plan\n---\nYou asked."),),
    ),
)
