"""Why a mail says nothing that can be read: it is encrypted, or its words are packed so that they stay shut."""

from cadenced.reading import mime, smime, tnef
from cadenced.reading.inbound import Inbound

_PGP = "-----BEGIN PGP MESSAGE-----"


def why(inbound: Inbound, own: str) -> str:
    """Return what keeps the person's words from being read, or "" where they can be; `own` are the words found."""
    if own.startswith(_PGP):
        return "encrypted (PGP)"
    if own:
        return ""
    if inbound.content_type == "multipart/encrypted" or any("multipart/encrypted" in one.path for one in inbound.parts):
        return "encrypted (PGP)"
    kinds = {one.content_type for one in inbound.parts}
    if kinds & smime.TYPES:  # what is only signed has been taken out
        return "encrypted (S/MIME)"
    if kinds & tnef.TYPES or any(one.filename.lower() == tnef.NAME for one in inbound.parts):
        return "nothing but a winmail.dat that cannot be read"
    return "parts nested too deep" if any(one.depth >= mime.DEPTH for one in inbound.parts) else ""
