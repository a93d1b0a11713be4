"""What the law wants below a letter: who writes from where, and the way out, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from cadenced.writing import escape

_WORDS = {
    "en": ("If you would rather not hear from me again", "unsubscribe here", "write to"),
    "fr": ("Si vous préférez ne plus recevoir mes messages", "désinscrivez-vous ici", "écrivez à"),
    "de": ("Wenn Sie keine weiteren Nachrichten von mir wünschen", "hier abmelden", "schreiben Sie an"),
    "nl": ("Als u liever geen berichten meer van mij ontvangt", "meld u hier af", "schrijf naar"),
    "es": ("Si prefiere no recibir más mensajes míos", "dese de baja aquí", "escriba a"),
    "it": ("Se preferisce non ricevere altri miei messaggi", "si cancelli qui", "scriva a"),
    "pt": ("Se preferir não receber mais mensagens minhas", "cancele a inscrição aqui", "escreva para"),
    "sv": ("Om du hellre slipper fler meddelanden från mig", "avregistrera dig här", "skriv till"),
}


@dataclass(frozen=True, slots=True)
class Footer:
    """The postal address and the way to unsubscribe: an https URL, or an address to write to."""

    postal_address: str = ""
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""
    language: str = "en"


def markdown(footer: Footer, body: str) -> str:
    """Return the footer as Markdown, "" where there is nothing to say; a link that ``body`` has is not repeated."""
    lines = [escape.markdown(line.strip()) for line in footer.postal_address.split("\n") if line.strip()]
    way_out = _way_out(footer)
    written = body.replace("\\", "")
    if way_out and not (footer.unsubscribe_url and footer.unsubscribe_url in written):
        lines.append(way_out)
    return "\n".join(lines)


def _way_out(footer: Footer) -> str:
    wish, here, write = _WORDS.get(footer.language[:2].lower(), _WORDS["en"])
    if footer.unsubscribe_url:
        return f"{wish}: [{here}](<{escape.markdown(footer.unsubscribe_url)}>)"
    if footer.unsubscribe_mailto:
        target = escape.markdown(footer.unsubscribe_mailto.removeprefix("mailto:"))
        return f"{wish}: {write} [{target.partition('?')[0]}](<mailto:{target}>)"
    return ""
