"""The order in which `puente --help` names the commands: by who uses them."""

from __future__ import annotations

from schemas.texts import Text

SECTIONS = (
    (
        Text("Publish and read, as an agency", "Publicar y leer, como agencia"),
        ("connector", "publish", "tail", "ack", "note", "recall", "relabel", "subscribe", "token"),
    ),
    (
        Text("Say who reads what, before and after", "Saber quién lee qué, antes y después"),
        ("preview", "explain", "receipts", "disclosures", "audit"),
    ),
    (
        Text("Administer an agency, share and stop sharing", "Administrar una agencia, compartir y dejar de compartir"),
        ("agreement", "grant", "review", "consent", "attestation", "right", "escalation", "agency", "person", "cut"),
    ),
    (
        Text("Run a node", "Operar un nodo"),
        ("demo", "up", "init", "migrate", "peer", "backup", "restore"),
    ),
    (
        Text("Run one process of a node alone", "Ejecutar solo un proceso de un nodo"),
        (
            *("gateway", "stream", "management", "checkpoint", "ingest", "sequencer", "relay", "reconciler", "notary"),
            *("keeper", "dispatcher", "sender", "mailer", "outflow", "border"),
        ),
    ),
)
OTHERS = Text("Others", "Otros")
