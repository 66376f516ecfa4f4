"""What makes a node's public documents: its imprint, and the key they are signed with, from the settings and disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from hub import keys
from hub.cap import seal
from hub.cap.press import Imprint, Press
from hub.settings import SettingsError
from schemas.texts import Text

if TYPE_CHECKING:
    from pathlib import Path

    from hub.settings import Settings

NO_SEAL = Text(
    "public.key_file and certificate_file cannot be used ({why})",
    "public.key_file y certificate_file no se pueden usar ({why})",
)


def press_of(told: Settings, gateway_url: str) -> Press | None:
    """
    The press, whose links begin at `gateway_url` where nothing else is said; None: nothing is public here.

    Raises:
        SettingsError: the key or certificate cannot be used.
    """
    public = told.public
    if not public.agency:
        return None
    imprint = Imprint(agency=public.agency, sender=public.sender, url=public.url or gateway_url, node=told.node.id)
    if not public.key_file:
        return Press(imprint, _own(told.state_dir, public.sender))
    try:
        pair = told.file(public.key_file).read_bytes(), told.file(public.certificate_file).read_bytes()
        return Press(imprint, seal.read(*pair))
    except (OSError, seal.NotASeal) as error:
        raise SettingsError([NO_SEAL.format(why=error)]) from error


def _own(folder: Path, name: str) -> seal.Seal:
    """The key made here; receivers are given `public-certificate.pem`."""
    pem = keys.kept(folder / "public.pem", lambda: seal.self_made(name))
    held = seal.read(pem, pem)
    path = folder / "public-certificate.pem"
    if not path.exists():
        keys.write(path, held.certificate.public_bytes(Encoding.PEM), mode=0o644)
    return held
