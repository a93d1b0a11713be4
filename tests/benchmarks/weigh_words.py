"""Weigh words: learn the rows of `reading/patterns/weights_*.toml` from the invented answers under tests/reading.

`python tests/benchmarks/weigh_words.py` writes both files; with `--try` it leaves out every fourth answer in turn,
prints the shares judged rightly, and writes nothing. The same data give the same rows.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import reading_figures as figures

from cadenced.reading import dates, inbound, intent, patterns, verdict, weights

TESTS = Path(__file__).resolve().parents[1] / "reading"
OUT = Path(weights.__file__).with_name("patterns")
SAID = ("data/said.toml", "data/said_more.toml", "data/said_plain.toml")
VERDICTS = ("interested", "question", "objection", "not_now", "not_interested", "referral", "unsubscribe", "unclear")
VOICES = ("person", "out_of_office", "left_company", "acknowledgement", "challenge", "other")
PLACES = {
    "human": "person",
    "hard": "person",
    "away": "out_of_office",
    "absent": "out_of_office",
    "back": "out_of_office",
    "courtesy": "out_of_office",
    "left": "left_company",
    "gone": "left_company",
    "ack": "acknowledgement",
    "received": "acknowledgement",
    "process": "acknowledgement",
    "challenge": "challenge",
    "receipt": "other",
    "unread": "other",
    "moved": "other",
}
ROUNDS, STEP, DECAY = 12, 2.0, 0.001
LEAST = 0.3  # weights below are not written
SENT = datetime(2026, 3, 10, 9, tzinfo=UTC)
EXAMPLE = 0.7  # an example of a pattern is a phrase, not an answer


@dataclass(frozen=True)
class Said:
    """A text, what it means, how much it counts, and how far ahead the day lies that it names."""

    kind: str
    text: str
    counts: float = 1.0
    days: int | None = None
    dated: bool = True

    def features(self) -> tuple[str, ...]:
        found = weights.features(self.text)
        return (*found, weights.distance(self.days)) if self.dated else found


def days(text: str, language: str, sent: datetime) -> int | None:
    """How many days after `sent` the text wants to be written to again."""
    day = dates.again_on(text, sent, language)
    return (day - sent.date()).days if day else None


def collections() -> Iterable[Said]:
    """The own words of each invented answer with their verdict."""
    for path in sorted((TESTS / "data").glob("replies_*.jsonl")):
        for line in map(json.loads, path.read_text("utf-8").splitlines()):
            text = verdict.own_words(inbound.parse(figures.sale_message(line)))
            sent = datetime.fromisoformat(line["date"])
            yield Said(line["verdict"], text, days=days(text, line["language"], sent))


def sentences(name: str) -> Iterable[Said]:
    """Each line of a table of sentences with its kind, as if sent on one Tuesday in March."""
    table = tomllib.loads((TESTS / name).read_text("utf-8"))
    return (
        Said(kind, text, days=days(text, language, SENT))
        for language, kinds in table.items()
        for kind, texts in kinds.items()
        for text in texts
    )


def answers() -> list[Said]:
    found = [one for name in (*SAID, "intent_sentences.toml") for one in sentences(name)]
    found += [replace(one, kind=one.kind.removeprefix("reply.")) for one in collections()]
    names = [*(f"intent_{one}" for one in intent.LANGUAGES), "intent_wide"]
    found += [
        Said(one.tags["verdict"].removeprefix("reply."), text, EXAMPLE, days(text, one.language, SENT))
        for name in names
        for one in patterns.load(name)
        for text in one.must
    ]
    return [one for one in found if one.kind in VERDICTS]


def voices() -> list[Said]:
    found = [
        replace(one, kind=_voice(one.kind), counts=3.0 if one.kind == "person" else 1.0)
        for name in SAID
        for one in sentences(name)
    ]
    found += [Said("person", one.text, 0.5) for one in sentences("intent_sentences.toml")]
    found += [replace(one, kind=_voice(one.kind.removeprefix("auto."))) for one in collections()]
    every = (*patterns.load("auto_signs"), *patterns.load("auto_voice"))
    placed = [(PLACES[str(one.tags["place"])], one) for one in every if one.tags["place"] in PLACES]
    found += [Said(kind, text, EXAMPLE) for kind, one in placed for text in one.must]
    return [replace(one, dated=False) for one in found]


def _voice(kind: str) -> str:
    return kind if kind in VOICES else "person"


Rows = dict[str, list[float]]


def learn(said: Sequence[Said], kinds: Sequence[str]) -> Rows:
    """Multinomial logistic regression by plain descent, one answer at a time, in a fixed shuffled order."""
    rows: Rows = {}
    known = [(one.features(), kinds.index(one.kind), one.counts) for one in said]
    for turn in range(ROUNDS):
        step = STEP / (1 + 0.3 * turn)
        for at in _shuffled(len(known), turn):
            features, right, counts = known[at]
            _learn_one(rows, features, right, (step * counts, len(kinds)))
    return rows


def _learn_one(rows: Rows, features: Sequence[str], right: int, how: tuple[float, int]) -> None:
    step, kinds = how
    own = [rows.setdefault(one, [0.0] * kinds) for one in features]
    shares = weights.softened([weights.SCALE * sum(column) for column in zip(*own, strict=True)], len(features))
    damping = (len(features) + 1) ** 0.5
    push = [step * ((at == right) - share) / damping for at, share in enumerate(shares)]
    keep = 1 - step * DECAY
    for row in own:
        row[:] = [weight * keep + more for weight, more in zip(row, push, strict=True)]


def _shuffled(length: int, turn: int) -> list[int]:
    """An order that looks random and is always the same."""
    return sorted(range(length), key=lambda at: ((at + 1) * 2654435761 + (turn + 1) * 40503 * (at + 7)) % 4294967291)


def written(rows: Rows, kinds: Sequence[str]) -> str:
    kept = {word: row for word, row in rows.items() if max(map(abs, row)) >= LEAST}
    lines = [f"{word}\t{' '.join(str(round(one * weights.SCALE)) for one in kept[word])}" for word in sorted(kept)]
    head = (
        "# Written by tests/benchmarks/weigh_words.py; a row is a feature and its weight for each kind, in fortieths.\n"
    )
    return f"{head}kinds = {json.dumps(list(kinds))}\nrows = '''\n" + "\n".join(lines) + "\n'''\n"


def rows_of(rows: Rows) -> dict[str, int]:
    return {
        word: weights.packed(round(one * weights.SCALE) for one in row)
        for word, row in rows.items()
        if max(map(abs, row)) >= LEAST
    }


def tried(said: Sequence[Said], kinds: Sequence[str]) -> float:
    """The share judged rightly of answers that were left out of the learning."""
    right = total = 0
    for turn in range(4):
        rest = [one for at, one in enumerate(said) if at % 4 != turn]
        scale = weights.Scale(tuple(kinds), rows_of(learn(rest, kinds)))
        for one in said[turn::4]:
            if one.counts == 1.0:
                shares = scale.shares(one.features())
                right += max(shares, key=shares.__getitem__) == one.kind
                total += 1
    return right / total


def main() -> int:
    for name, said, kinds in (("weights_intent", answers(), VERDICTS), ("weights_voice", voices(), VOICES)):
        if "--try" in sys.argv:
            print(name, len(said), round(tried(said, kinds), 4))
        else:
            (OUT / f"{name}.toml").write_text(written(learn(said, kinds), kinds), "utf-8")
            print(name, len(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
