"""How well the reading package reads real mail: the corpus, the judgement of each message, and the figures."""

import csv
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.header import Header
from email.utils import format_datetime
from pathlib import Path

from cadenced.reading import inbound, quoting, verdict
from cadenced.reading.verdict import Verdict

LABELS = {
    "bounce.hard": "bounce_hard",
    "bounce.soft": "bounce_soft",
    "bounce.delayed": "bounce_soft",
    "bounce.blocked": "bounce_blocked",
    "auto.out_of_office": "auto_reply_ooo",
    "complaint": "complaint",
    "unrelated": "other",
}
_FAMILIES = {"auto": "auto_reply_other", "reply": "human_reply", "invite": "human_reply"}


def corpus() -> Path | None:
    """The folder of real mail: $CADENCED_CORPUS, else ../shared/corpus beside the repository; None where missing."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    folder = Path(os.environ.get("CADENCED_CORPUS", beside))
    return folder if (folder / "manifest.csv").is_file() else None


@dataclass(frozen=True)
class Judged:
    """A message of the corpus with its row in the manifest and our verdict."""

    row: dict[str, str]
    verdict: Verdict
    label: str

    @property
    def strict(self) -> bool:
        return self.label == self.row["label"]

    @property
    def lenient(self) -> bool:
        return self.strict or self.label in self.row["accept"].split("|")

    @property
    def bounced(self) -> bool:
        return self.row["label"].startswith("bounce")


def label_of(kind: str) -> str:
    return LABELS.get(kind) or _FAMILIES[kind.partition(".")[0]]


def raw_message(folder: Path, row: dict[str, str], crlf: bool) -> bytes:
    raw = (folder / row["file"]).read_bytes()
    if row.get("format") == "body":
        raw = b"From: someone@a.example\nTo: us@b.example\nSubject: Re: offer\n\n" + raw
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if crlf else raw


def half(template: str) -> str:
    return "odd" if int(re.sub(r"\D", "", template)) % 2 else "even"


def messages(folder: Path, crlf: bool = False) -> list[Judged]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    found = []
    for row in rows:
        judged = verdict.judge(inbound.parse(raw_message(folder, row, crlf)))
        found.append(Judged(row, judged, label_of(judged.kind)))
    return found


def share(values: Iterable[bool]) -> float:
    all_of_them = list(values)
    return round(sum(all_of_them) / len(all_of_them), 4) if all_of_them else float("nan")


def weighted(found: Iterable[Judged], right: Callable[[Judged], bool]) -> float:
    """Each template counts once, however many messages it has."""
    by_template: dict[str, list[bool]] = defaultdict(list)
    for one in found:
        by_template[one.row["template"]].append(right(one))
    shares = [sum(values) / len(values) for values in by_template.values()]
    return round(sum(shares) / len(shares), 4) if shares else float("nan")


def _address_right(one: Judged) -> bool:
    return one.verdict.recipient.lower() in one.row["recipient"].lower().split(";")


def _id_right(one: Judged) -> bool:
    return one.verdict.returned_message_id == one.row["orig_message_id"].strip("<>")


def message_figures(found: list[Judged]) -> dict[str, object]:
    taken = [one for one in found if one.verdict.kind.startswith("bounce")]
    bounces = [one for one in found if one.bounced]
    caught = [one for one in bounces if one in taken]
    addressed = [one for one in bounces if one.row["recipient"]]
    threaded = [one for one in bounces if one.row["orig_message_id"]]
    people = [one for one in found if one.row["label"] == "human_reply"]
    automatic = [one for one in found if one.row["label"].startswith("auto_reply")]
    complaints = [one for one in found if one.row["label"] == "complaint"]
    return {
        "messages": len(found),
        "bounce precision": share(one.bounced for one in taken),
        "bounce recall": share(one in taken for one in bounces),
        "class strict": share(one.strict for one in caught),
        "class strict by template": weighted(caught, lambda one: one.strict),
        "class lenient": share(one.lenient for one in caught),
        "class lenient by template": weighted(caught, lambda one: one.lenient),
        "failed address": share(map(_address_right, addressed)),
        "failed address by template": weighted(addressed, _address_right),
        "returned id": share(map(_id_right, threaded)),
        "human recall": share(one.lenient for one in people),
        "human taken for a machine": sum(one.verdict.kind.startswith(("bounce", "auto", "compl")) for one in people),
        "automatic recall": share(one.verdict.kind.startswith("auto") for one in automatic),
        "automatic kind strict": share(one.strict for one in automatic),
        "automatic kind lenient": share(one.lenient for one in automatic),
        "complaint recall": share(one.verdict.kind == "complaint" for one in complaints),
        "other lenient": share(one.lenient for one in found if one.row["label"] == "other"),
        "return dates": share(
            one.verdict.until is not None and one.verdict.until.isoformat() == one.row["return_date"]
            for one in found
            if one.row["return_date"]
        ),
    }


def confusion(found: Iterable[Judged]) -> Counter[tuple[str, str]]:
    return Counter((one.row["label"], one.label) for one in found)


# ---------------------------------------------------------------- invented sales replies


@dataclass(frozen=True)
class Sale:
    """A line of the sales replies with our verdict."""

    line: dict[str, object]
    verdict: Verdict

    @property
    def strict(self) -> bool:
        return self.verdict.kind == self.line["verdict"]

    @property
    def lenient(self) -> bool:
        return self.strict or self.verdict.kind in self._list("accept")

    @property
    def dated(self) -> bool | None:
        """Whether the date is right; None where no date is asked for."""
        span = self.line["until"]
        if not isinstance(span, dict):
            return None
        read = self.verdict.until
        return read is not None and date.fromisoformat(span["earliest"]) <= read <= date.fromisoformat(span["latest"])

    @property
    def invented_date(self) -> bool | None:
        """Whether a date was read where none can be told; None where that is not asked."""
        asked = self.line["verdict"] in {"auto.out_of_office", "reply.not_now"} and self.line["until"] is None
        return self.verdict.until is not None if asked else None

    @property
    def half(self) -> str:
        return "odd" if int(str(self.line["id"])[4:]) % 2 else "even"

    def _list(self, key: str) -> list[str]:
        found = self.line[key]
        return found if isinstance(found, list) else []


def sale_message(line: dict[str, object]) -> bytes:
    headers = line["headers"]
    further = "".join(f"{name}: {value}\n" for name, value in (headers if isinstance(headers, dict) else {}).items())
    subject = Header(str(line["subject"]), "utf-8", maxlinelen=900).encode()
    return (
        f"From: P <p@x.example>\nTo: j@abc.example\nSubject: {subject}\n"
        f"Date: {format_datetime(datetime.fromisoformat(str(line['date'])))}\nMessage-ID: <{line['id']}@x.example>\n"
        f"{further}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        f"{line['body']}\n"
    ).encode()


def sales(folder: Path) -> list[Sale]:
    lines = (json.loads(line) for line in (folder / "sales_replies.jsonl").read_text("utf-8").splitlines())
    return [Sale(line, verdict.judge(inbound.parse(sale_message(line)))) for line in lines]


def sales_figures(found: list[Sale]) -> dict[str, object]:
    asked = [one for one in found if one.line["verdict"] == "reply.unsubscribe"]
    said = [one for one in found if one.verdict.kind == "reply.unsubscribe"]
    families = [(str(one.line["verdict"]).partition(".")[0], one.verdict.kind.partition(".")[0]) for one in found]
    return {
        "lines": len(found),
        "verdict strict": share(one.strict for one in found),
        "verdict lenient": share(one.lenient for one in found),
        "unsubscribe recall": share(one.strict for one in asked),
        "unsubscribe precision": share(one.lenient for one in said),
        "date in range": share(one.dated for one in found if one.dated is not None),
        "date invented": share(one.invented_date for one in found if one.invented_date is not None),
        "human taken for a machine": sum(want == "reply" and got != "reply" for want, got in families),
        "machine taken for a human": sum(want == "auto" and got != "auto" for want, got in families),
        "referral": share(_referred(one) for one in found if one.line["referral"]),
    }


def _referred(one: Sale) -> bool:
    named, wanted = one.verdict.referral, str(one.line["referral"]).casefold()
    return named is not None and wanted in {named.name.casefold(), named.address.casefold()}


# ---------------------------------------------------------------- reply text


def reply_figures(folder: Path) -> dict[str, object]:
    with (folder / "reply_text.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    scores = [score for row in rows for score in _reply_score(folder, row)]
    return {
        "replies": len(rows),
        "exact": share(score[0] for score in scores if score[0] is not None),
        "loses nothing": share(score[1] for score in scores),
        "leaks nothing": share(score[2] for score in scores),
    }


def _reply_score(folder: Path, row: dict[str, str]) -> Iterator[tuple[bool | None, bool, bool]]:
    """(exact, loses nothing, leaks nothing); a kept signature is judged as ours or not, as the row says."""
    own, signature, whole = _own(folder, row)
    got = _bare(own + signature if row["signature"] == "kept" else own)
    with_signature = _bare(own + signature)
    must, must_not = (json.loads(row[key] or "[]") for key in ("must_contain", "must_not_contain"))
    if row["expected_file"]:
        text = (folder / row["expected_file"]).read_text("utf-8", "replace")
        text = inbound.plain(text) if "mailspring" in row["file"] else text
        expected = _bare(text)
        lines = [_bare(line) for line in text.splitlines() if _bare(line)]
        leaked = [line for line in whole.splitlines() if len(_bare(line)) > 8 and _bare(line) not in expected]
        exact = expected in {got, with_signature}
        yield exact, all(line in with_signature for line in lines), not any(_bare(one) in got for one in leaked)
    elif must or must_not:
        loses = all(_bare(one) in with_signature for one in must)
        yield None, loses, not any(_bare(one) in got for one in must_not)


def _own(folder: Path, row: dict[str, str]) -> tuple[str, str, str]:
    raw = (folder / row["file"]).read_bytes()
    if row["format"] == "html":
        text = raw.decode("utf-8", "replace")
        own = quoting.own_text_of_html(text)
        return own.text, own.signature, inbound.plain(text)
    if row["format"] == "eml":
        message = inbound.parse(raw)
        own = quoting.own_text(message.text) if message.text.strip() else quoting.own_text_of_html(message.html)
        return own.text, own.signature, message.readable()
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    own = quoting.own_text(text)
    return own.text, own.signature, text


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)
