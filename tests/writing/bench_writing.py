"""Messages a second through rendering and composing, beside the standard library's builder: one line of JSON.

``python tests/writing/bench_writing.py [MESSAGES]``; times are of the processor, on one core.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cadenced.core.model import Draft, Thread
from cadenced.writing import compose, context, identity, parts
from cadenced.writing.footer import Footer
from cadenced.writing.template import Template, parse
from writing import samples
from writing.samples import EVERYTHING, KEY, SENDER, envelope, prospect

TEMPLATES = Path(__file__).parents[2] / "templates"
FOOTER = Footer("ABC SA, 1 rue de la Paix, 75002 Paris", "https://u.example/t/abc", language="en")


def rate(work: Callable[[int], object], count: int) -> float:
    """Return how often ``work`` runs in a second of the processor: the median of five runs."""
    rates = []
    for run in range(5):
        begun = time.process_time()
        for number in range(run * count, (run + 1) * count):
            work(number)
        rates.append(count / (time.process_time() - begun))
    return round(statistics.median(rates))


def row(number: int) -> dict[str, object]:
    """Return a context like no other."""
    fields = {**EVERYTHING, "first_name": f"Mike{number}", "company": f"Acme & Sons {number}"}
    return context.build(prospect(**fields), SENDER, "", samples.OCCASION)


def message(template: Template, number: int) -> bytes:
    """Return one message, made as the sender makes it."""
    token = identity.reference(KEY, identity.TouchKey(f"mike{number}@acme.example", "proposal", "recap"))
    about = envelope(
        recipient_name=f"Mike{number} O'Brien",
        recipient_address=f"mike{number}@acme.example",
        message_id=identity.message_id(token, "abc.example"),
        reference=token,
        thread=Thread(("<a@abc.example>", "<b@acme.example>"), "Your proposal"),
        unsubscribe_url=f"https://u.example/t/{token}",
    )
    return compose.compose(about, template.render(row(number)), FOOTER)


def library_message(draft: Draft) -> bytes:
    """Return the same parts built by the standard library."""
    built = EmailMessage()
    built["From"], built["To"] = "Julie Martin <julie@abc.example>", "Mike O'Brien <mike@acme.example>"
    built["Subject"] = draft.subject
    both = parts.text_and_html(draft, FOOTER, "en")
    built.set_content(both.text)
    built.add_alternative(both.html, subtype="html")
    return built.as_bytes()


def main(count: int) -> dict[str, object]:
    """Measure, and return the figures."""
    letter = parse((TEMPLATES / "proposal-recap.md").read_text("utf-8"), "proposal-recap")
    drafts = [letter.render(row(number)) for number in range(count)]
    about = envelope()
    return {
        "bytes": len(message(letter, 0)),
        "render/s": rate(lambda n: letter.render(row(n)), count),
        "compose/s": rate(lambda n: compose.compose(about, drafts[n % count], FOOTER), count),
        "render+compose/s": rate(lambda n: message(letter, n), count),
        "EmailMessage/s": rate(lambda n: library_message(drafts[n % count]), max(1, count // 10)),
        "parse/s": rate(lambda _: parse(_SOURCE, "x"), max(1, count // 20)),
    }


_SOURCE = (TEMPLATES / "proposal-recap.md").read_text("utf-8")

if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)) + "\n")
