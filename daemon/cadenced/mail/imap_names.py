"""Folders' names and roles: modified UTF-7 (RFC 3501, 5.1.3), quoting, special use (RFC 6154), and names to go by."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Mapping

from cadenced.mail.imap_wire import Listed

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_BEYOND = re.compile(r"[^\x20-\x7e]+")
_UNSPEAKABLE = re.compile(r"[\x00\r\n]")

_ATTRIBUTES = frozenset({"sent", "drafts", "junk", "trash", "all"})
_NAMES = {
    "sent": (
        "sent", "sent items", "sent mail", "sent messages", "outbox sent", "gesendet", "gesendete elemente",
        "gesendete objekte", "gesendete nachrichten", "envoyés", "éléments envoyés", "messages envoyés",
        "courrier envoyé",
        "enviados", "elementos enviados", "mensajes enviados", "itens enviados", "e-mails enviados", "posta inviata",
        "inviati", "inviata", "messaggi inviati", "verzonden", "verzonden items", "verzonden berichten", "skickat",
        "skickade objekt", "sendte elementer", "sendt", "sendt post", "lähetetyt", "wysłane", "elementy wysłane",
        "odeslané", "odeslaná pošta", "отправленные", "送信済み", "送信済みアイテム", "已发送", "已发送邮件",
    ),
    "drafts": (
        "drafts", "draft", "entwürfe", "brouillons", "borradores", "rascunhos", "bozze", "concepten", "utkast",
        "kladder", "luonnokset", "szkice", "wersje robocze", "koncepty", "черновики", "下書き", "草稿",
    ),
    "junk": (
        "junk", "spam", "junk mail", "junk email", "junk e-mail", "bulk mail", "junk-e-mail", "spamverdacht",
        "courrier indésirable", "indésirables", "pourriel", "correo no deseado", "no deseado", "lixo eletrônico",
        "lixo eletrónico", "posta indesiderata", "ongewenste e-mail", "ongewenst", "skräppost", "uønsket e-post",
        "roskaposti", "wiadomości-śmieci", "nevyžádaná pošta", "спам", "迷惑メール", "垃圾邮件",
    ),
    "trash": (
        "trash", "deleted", "deleted items", "deleted messages", "bin", "papierkorb", "gelöschte elemente",
        "gelöschte objekte", "gelöscht", "corbeille", "éléments supprimés", "messages supprimés", "papelera",
        "elementos eliminados", "lixeira", "itens excluídos", "itens eliminados", "cestino", "posta eliminata",
        "prullenbak", "verwijderde items", "papperskorgen", "borttagna objekt", "papirkurv", "slettede elementer",
        "roskakori", "kosz", "elementy usunięte", "koš", "odstraněná pošta", "корзина", "удаленные",
        "ゴミ箱", "已删除邮件",
    ),
}  # fmt: skip

_ROOTS = frozenset({"inbox", "[gmail]", "[google mail]"})
"""Below these stand a provider's own folders; below others, people's."""
_NOWHERE = (99, 0)


def decode(name: bytes) -> str:
    """Return a folder's name as people read it; what is no modified UTF-7 stays as it is."""
    text = name.decode("utf-8", "surrogateescape")
    try:
        plain = _SHIFTED.sub(lambda match: _unshift(match.group(1)), text)
    except (binascii.Error, UnicodeDecodeError):
        return text
    return plain if encode(plain) == text else text


def encode(name: str) -> str:
    """Return a folder's name in modified UTF-7."""
    return _BEYOND.sub(lambda match: _shift(match.group()), name.replace("&", "&-"))


def quote(text: str) -> str:
    """Return an IMAP quoted string; raises ``ValueError`` for what no quoted string can hold."""
    if _UNSPEAKABLE.search(text):
        raise ValueError("NUL, CR or LF in an IMAP string")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_speakable(name: bytes) -> bool:
    """Tell whether a folder's name can be said in a command; one with an end of line in it can only be a trap."""
    return not _UNSPEAKABLE.search(name.decode("latin-1"))


def roles(found: Iterable[Listed], inbox: str = "INBOX", sent: str = "") -> Mapping[bytes, str]:
    """Return each folder's role: the attribute where the server gives one, else the likeliest name for that role.

    ``inbox`` is the folder that replies are read in, ``sent`` the one that the configuration names (``""``: find it).
    """
    folders = list(found)
    assigned = _by_attribute(folders)
    for role in _NAMES.keys() - set(assigned.values()):
        candidate = _by_name(role, [folder for folder in folders if folder.name not in assigned])
        if candidate is not None:
            assigned[candidate.name] = role
    for folder in folders:
        name = decode(folder.name)
        if is_same(name, inbox):
            assigned[folder.name] = "inbox"
        elif sent and name == sent:
            assigned[folder.name] = "sent"
        elif sent and assigned.get(folder.name) == "sent":
            assigned[folder.name] = ""
    return assigned


def is_same(one: str, other: str) -> bool:
    """Tell whether two names mean one folder; INBOX has no case (RFC 3501, 5.1)."""
    return one == other or (one.upper() == "INBOX" and other.upper() == "INBOX")


def _by_attribute(folders: list[Listed]) -> dict[bytes, str]:
    return {folder.name: role for folder in folders for role in _ATTRIBUTES & folder.attributes}


def _by_name(role: str, folders: list[Listed]) -> Listed | None:
    names = _NAMES[role]

    def rank(folder: Listed) -> tuple[int, int]:
        *parents, word = _path(folder)
        is_near = not parents or (len(parents) == 1 and parents[0] in _ROOTS)
        return (len(parents), names.index(word)) if is_near and word in names else _NOWHERE

    best = min(folders, key=rank, default=None)
    return best if best is not None and rank(best) != _NOWHERE else None


def _path(folder: Listed) -> list[str]:
    name = unicodedata.normalize("NFC", decode(folder.name)).casefold()
    return [part.strip() for part in (name.split(folder.delimiter) if folder.delimiter else [name])]


def _shift(text: str) -> str:
    encoded = base64.b64encode(text.encode("utf-16-be", "surrogatepass")).rstrip(b"=").replace(b"/", b",")
    return f"&{encoded.decode('ascii')}-"


def _unshift(text: str) -> str:
    if not text:
        return "&"
    padded = text.replace(",", "/") + "=" * (-len(text) % 4)
    return base64.b64decode(padded, validate=True).decode("utf-16-be")
