"""The border between the demo's nodes: TLS by an authority that is thrown away, and anchors that each has pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import border_keys, launch, main, main_border, peers
from hub.border import anchor as anchors
from hub.embedded.authority import vouch_for
from hub.embedded.kafka import HOST
from hub.signing import seal
from hub.store import connect
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console

    from hub.demo.stage import Node
    from hub.peers import Shown
    from hub.settings import Settings

PINNED = Text(
    "Node {node} trusts node {peer}, whose anchor has the fingerprint {fingerprint}",
    "El nodo {node} confía en el nodo {peer}, cuya ancla tiene la huella {fingerprint}",
)


def settle(state_dir: Path) -> dict[str, str]:
    """Where the checkpoint of a node will be, and who vouches for it: settings of its border."""
    port = launch.free_port(HOST, 0)
    vouched = vouch_for(HOST, state_dir / "tls", main.now())
    return {
        "PUENTE_BORDER_URL": f"https://{HOST}:{port}",
        "PUENTE_BORDER_HOST": HOST,
        "PUENTE_BORDER_PORT": str(port),
        "PUENTE_BORDER_CERTIFICATE_FILE": str(vouched.certificate.absolute()),
        "PUENTE_BORDER_KEY_FILE": str(vouched.key.absolute()),
        "PUENTE_BORDER_AUTHORITY_FILE": str(vouched.authority.absolute()),
    }


def introduce(nodes: Iterable[Node], console: Console, language: str) -> None:
    """Each node exports its anchor and imports the other's; people compare the fingerprints aloud before they do."""
    held = list(nodes)
    shown = {node.id: _exported(node.told) for node in held}
    for node in held:
        for peer, anchor in shown.items():
            if peer == node.id:
                continue
            with connect(node.environment["PUENTE_DATABASE_URL"], name="puente-demo") as conn:
                peers.trust(conn, node.id, anchor, main.now(), told=anchor.fingerprint, replace=False)
            words = PINNED.format(node=node.id, peer=peer, fingerprint=anchor.fingerprint)
            console.print(words.in_(language), highlight=False, soft_wrap=True)


def _exported(told: Settings) -> Shown:
    """As `puente peer export` writes it, and as `puente peer import` reads it."""
    at = main.now()
    held = border_keys.first(told.state_dir, at)
    own = main_border.own_anchor(told, held, at).anchor
    return peers.read(seal(border_keys.signing(held, at).signing, own.payload, anchors.TYPE), at)
