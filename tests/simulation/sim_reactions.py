"""Prospects hear of a touch, and answer; our human writes by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.store import enrolments, people
from simulation import sim_people
from simulation.sim_imap import ImapServer
from simulation.sim_people import Person
from simulation.sim_smtp import Dot
from simulation.sim_world import World

HOUR, DAY = 3600.0, 86_400.0


class Prospects(World):
    """A world with people in it who react."""

    def strike_at_reply(self, imap: ImapServer) -> None:
        """Something goes wrong as an answer comes in; the nemesis overrides it."""

    def imap_out(self, imap: ImapServer, seconds: float = 0.0) -> None:
        """An inbox is out of reach for a while; the nemesis overrides it."""

    def take_up(self, email: str) -> None:
        """A human lets somebody be written to again; the office overrides it."""

    def heard(self, dot: Dot) -> None:
        person = self.people[dot.message.recipient]
        draw = self.chance.random()
        now = self.loop.time()
        if draw < 0.08:
            self.at(now + self.chance.lognormvariate(7, 3) % (6 * DAY), self.reply, person.email)
        elif draw < 0.12:
            self.at(now + self.chance.uniform(0.2, 2), self._automatic, person.email, sim_people.ACKNOWLEDGED)
        elif draw < 0.15:
            self.at(now + self.chance.uniform(0.5, 60), self._away, person.email)
        elif draw < 0.19:
            self.at(now + self.chance.uniform(0.5, 600), self._bounce, person.email, self.chance.random() < 0.6)
        elif draw < 0.19 + 0.26 * max(0.4, self.scale.harm):
            self.at(now + 700, self._aim, person.email)
        if self.faulty and self.oracle.standings[person.email].answered_at is not None:
            self.at(now + self.chance.uniform(1, 9) * HOUR, self.take_up, person.email)  # the touch crossed an answer

    def _aim(self, email: str) -> None:
        """Let somebody answer at the very moment at which their next touch is due."""
        due = self.store.read(lambda tx: self._due_of(tx, email))
        self.counts["aim"] = self.counts.get("aim", 0) + (due is not None)
        if due is not None:
            wanted = self.loop.time() + (due - self.wall()).total_seconds()
            if self.chance.random() < 0.3:
                self.at(max(self.loop.time(), wanted - 20), self.imap_out, self.imap_of(self.people[email].ours), 40.0)
                self.at(max(self.loop.time(), wanted - 10), self.reply, email)
            else:
                self.at(max(self.loop.time(), wanted + self.chance.gauss(-4, 8)), self.reply, email)

    def _due_of(self, tx: Connection, email: str) -> Any:
        prospect = people.by_email(tx, email)
        live = enrolments.of_prospect(tx, prospect.id, live=True) if prospect else []
        return live[0].due_at if live and live[0].state == "active" else None

    def reply(self, email: str) -> None:
        """A human answer becomes visible."""
        text = sim_people.OPT_OUT if self.chance.random() < 0.15 else self.chance.choice(sim_people.REPLIES)
        folder = self.chance.choice(("INBOX",) * 6 + ("Junk", "Clients"))
        person = self.people[email]
        self.strike_at_reply(self.imap_of(person.ours))
        self._deliver(person, self.pen.reply(person, text, self.true_now()), folder)
        if text == sim_people.OPT_OUT:
            self.oracle.refused(email, self.loop.time(), "an opt-out")
        self.oracle.answered(email, self.loop.time(), "a reply")
        self.oracle.answers[email].append(self.loop.time())
        self.tell("reply", email)

    def _automatic(self, email: str, text: str) -> None:
        person = self.people[email]
        self._deliver(person, self.pen.automatic(person, text, self.true_now()))
        self.tell("automatic", email)

    def _away(self, email: str) -> None:
        day = self.true_now() + timedelta(days=self.chance.randrange(1, 5))
        self._automatic(email, sim_people.AWAY.format(day=day))

    def _bounce(self, email: str, hard: bool) -> None:
        person = self.people[email]
        self._deliver(person, self.pen.bounce(person, self.true_now(), hard=hard))
        if hard:
            self.oracle.refused(email, self.loop.time(), "a hard bounce")
        self.tell("bounce", f"{email} {hard}")

    def _advertise(self) -> None:
        box = self.chance.choice(self.config.mailboxes)
        self.imaps[box.name].deliver(self.pen.newsletter(self.true_now(), box.address))

    def _garble(self) -> None:
        """Something comes that is no mail."""
        box = self.chance.choice(self.config.mailboxes)
        cut = self.pen.newsletter(self.true_now(), box.address)[: self.chance.randrange(1, 60)]
        raw = self.chance.choice((b"\xff\xfe\x00", b"\r\n\r\n", b"=?x?Q?\r\n ?=: 1\r\n", cut))
        self.imaps[box.name].deliver(raw)

    def _write_by_hand(self) -> None:
        """Our human writes to somebody from their own mail program."""
        email = self.chance.choice(list(self.people))
        person = self.people[email]
        self._deliver(person, self.pen.by_hand(person, self.true_now()), "Sent")
        self.oracle.wrote_by_hand(email, self.loop.time())
        self.tell("by hand", email)

    def _deliver(self, person: Person, raw: bytes, folder: str = "INBOX") -> None:
        self.imap_of(person.ours).deliver(raw, folder)
