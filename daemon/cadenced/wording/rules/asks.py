"""What happens next: one step, with a day, proposed rather than begged for."""

from __future__ import annotations

from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import ERROR, WARNING, Hit
from cadenced.wording.phrases import fragment
from cadenced.wording.rule import Example, MessageRule, spoken
from cadenced.wording.settings import Settings

_FEW_WORDS = 12


def _no_next_step(view: View, _: Settings) -> Iterable[Hit]:
    if view.count < _FEW_WORDS or "?" in view.body or "](" in view.draft.body or "://" in view.draft.body:
        return
    if not view.has_next_step() and not fragment(view.language, "day").search(view.lower):
        yield Hit(*view.sentences[-1])


def _several_asks(view: View, settings: Settings) -> Iterable[Hit]:
    at = view.body.find("?")
    asks = []
    while at >= 0:
        if view.body[at + 1 : at + 2] != "?":
            asks.append(at)
        at = view.body.find("?", at + 1)
    if len(asks) > settings.most_asks:
        second = asks[settings.most_asks]
        yield Hit(view.sentence_around(second)[0], second + 1, str(len(asks)))


def _open_ask(view: View, settings: Settings) -> Iterable[Hit]:
    day = fragment(view.language, "day")
    for hit in spoken("open-ask")(view, settings):
        if hit.part == "subject":
            continue
        start, end = view.sentence_around(hit.start)
        question = view.lower[hit.start : hit.end].startswith(
            ("what", "which", "when", "quel", "quand", "wann", "welche", "wanneer", "welk")
        )
        if question or not day.search(view.lower, start, end):
            yield hit


RULES = (
    MessageRule(
        code="no-next-step",
        severity=WARNING,
        title="No next step",
        message="nothing says what happens next",
        cure="end with one step: what, who and when (“I propose Tuesday at 9, and note it in our calendars”)",
        source="nobody without a next step, the first law of this program",
        check=_no_next_step,
        whole=True,
        fires=(
            Example(
                "You have a large team and a lot of tools. Many companies like yours save time with one place for all."
            ),
            Example(
                "Vous avez une grande équipe et beaucoup d'outils. Des sociétés comme la vôtre gagnent du temps.",
                "Vous",
                "fr",
            ),
        ),
        silent=(
            Example(
                "You have a large team and a lot of tools. I propose Tuesday at 9, so that you see it on your own data."
            ),
            Example("You have a large team and a lot of tools. Which of them do you want to keep in the next year?"),
            Example("Thank you, Mike!"),
        ),
    ),
    MessageRule(
        code="several-asks",
        severity=WARNING,
        title="More than one ask",
        message="{detail} questions in one message",
        cure="ask for one thing; the second question is the next message",
        source="a message with one ask is answered; with several it is postponed",
        check=_several_asks,
        whole=True,
        fires=(Example("Does Tuesday suit you? Who else should join? Which tool do you use today?"),),
        silent=(
            Example("Does Tuesday at 9 suit you?"),
            Example("Really?? You moved to Lyon."),
        ),
    ),
    MessageRule(
        code="open-ask",
        severity=ERROR,
        title="An ask without a day",
        message="“{detail}” leaves the work of finding a day to the reader",
        cure="propose: “I propose Tuesday the 9th at 10, and note it in our calendars so that we don't forget”",
        source="a proposal needs a yes, an open question needs a calendar",
        check=_open_ask,
        fires=(
            Example("Would you be available in two weeks?"),
            Example("What time would you ideally be available?"),
            Example("When are you free?"),
            Example("Seriez-vous disponible dans deux semaines ?", "Rendez-vous", "fr"),
            Example("Hätten Sie in zwei Wochen Zeit?", "Termin", "de"),
            Example("Zou je over twee weken beschikbaar zijn?", "Afspraak", "nl"),
        ),
        silent=(
            Example("Would you be available on Tuesday the 9th at 10?"),
            Example("You are free to choose either."),
            Example("Seriez-vous disponible mardi à 10 h ?", "Mardi", "fr"),
            Example("Hätten Sie am Dienstag um 10 Uhr Zeit?", "Dienstag", "de"),
        ),
    ),
    MessageRule(
        code="permission",
        severity=ERROR,
        title="Begging for permission",
        message="“{detail}” begs for permission",
        cure="say what you will do and when, and let the reader object",
        source="confirming beats asking: “I confirm that we'll see you at 9 on the 9th”",
        check=spoken("permission"),
        fires=(
            Example("Is it still okay if we meet on the 9th?"),
            Example("Could I steal ten minutes of your time?"),
            Example("Sorry to bother you again."),
            Example("Serait-il possible d'avoir quelques minutes de votre temps ?", "Votre temps", "fr"),
            Example("Dürfte ich Ihnen kurz ein paar Minuten Ihrer Zeit stehlen?", "Zeit", "de"),
            Example("Mag ik een paar minuten van je tijd?", "Tijd", "nl"),
        ),
        silent=(
            Example("So I can confirm that we'll see you on video at 9am on the 9th. I'll send you the invitation."),
            Example("Is it okay to use the old key for your test system?"),
        ),
    ),
    MessageRule(
        code="no-control",
        severity=WARNING,
        title="Control handed over",
        message="“{detail}” leaves the next move to chance",
        cure="keep the next move: “I'll call on Thursday at 9 unless you write before”",
        source="whoever waits has no next step",
        check=spoken("no-control"),
        fires=(
            Example("Let me know whenever it suits you."),
            Example("Please don't hesitate to call."),
            Example("N'hésitez pas à me contacter.", "Contact", "fr"),
            Example("Melden Sie sich gerne jederzeit.", "Kontakt", "de"),
            Example("Laat maar weten wanneer het je uitkomt.", "Contact", "nl"),
        ),
        silent=(
            Example("I'll call on Thursday at 9 unless you write before."),
            Example("Let me know which of the two offers you sign."),
        ),
    ),
)
