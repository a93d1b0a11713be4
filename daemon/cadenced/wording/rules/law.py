"""What the law wants in commercial mail."""

from __future__ import annotations

from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import ERROR, Hit
from cadenced.wording.phrases import pattern_of
from cadenced.wording.rule import Example, MessageRule
from cadenced.wording.settings import Settings

_COMMERCIAL = Settings(commercial=True, postal_address="ABC SA, 1 rue de la Paix, 75002 Paris")
_FOOTER = "\n\n-- \nABC SA, 1 rue de la Paix, 75002 Paris\n[Unsubscribe](https://abc.example/u)"


def _opt_out(view: View, settings: Settings) -> Iterable[Hit]:
    if not settings.commercial:
        return
    body = view.draft.body.lower()
    if "unsubscribe" in body or pattern_of(view.language, "opt_out").search(body):
        return
    end = len(view.draft.body)
    yield Hit(end, end)


def _postal_address(view: View, settings: Settings) -> Iterable[Hit]:
    if not settings.commercial:
        return
    wanted = "".join(settings.postal_address.split())
    if wanted and wanted in "".join(view.draft.body.split()):
        return
    end = len(view.draft.body)
    yield Hit(end, end)


RULES = (
    MessageRule(
        code="opt-out",
        severity=ERROR,
        title="No way out",
        message="no word of how to receive no more",
        cure="add a line with {{ unsubscribe_url }}, or say that an answer is enough",
        source="GDPR 21, ePrivacy 13, CAN-SPAM 15 USC 7704(a)(3); [lint] commercial",
        check=_opt_out,
        whole=True,
        fires=(Example("You asked for the plan.", settings=_COMMERCIAL),),
        silent=(Example("You asked for the plan." + _FOOTER, settings=_COMMERCIAL), Example("You asked for the plan.")),
    ),
    MessageRule(
        code="postal-address",
        severity=ERROR,
        title="No postal address",
        message="the sender's postal address is missing",
        cure="add it to the signature and set postal_address",
        source="CAN-SPAM 15 USC 7704(a)(5), LCEN 19, DDG 5; [lint] commercial",
        check=_postal_address,
        whole=True,
        fires=(Example("You asked for the plan.", settings=_COMMERCIAL),),
        silent=(Example("You asked for the plan." + _FOOTER, settings=_COMMERCIAL), Example("You asked for the plan.")),
    ),
)
