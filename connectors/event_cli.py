"""What a person at an agency says of an event from a terminal, and does to one of its own: note, recall, relabel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from connectors import profile as profiles
from connectors.agency_cli import KNOWN, NEW, UNUSABLE, told, with_profile
from connectors.client import Gateway, Published
from connectors.spoken import LANG, say
from schemas.control import REASONS
from schemas.note import KINDS
from schemas.texts import Text

NO_LABEL = Text("{name}: this is not one JSON object", "{name}: no es un objeto JSON")

WITH_REASON = click.option("--reason", type=click.Choice(REASONS), required=True, help=say("Why.", "Por qué."))
NOTE_EN = click.option("--note-en", help=say("For law enforcement, in English.", "Para la policía, en inglés."))
NOTE_ES = click.option("--note-es", help=say("For law enforcement, in Spanish.", "Para la policía, en español."))


def bilingual(en: str | None, es: str | None) -> dict[str, str]:
    """What was given of a text in two languages."""
    return {name: text for name, text in (("en", en), ("es", es)) if text}


def _said(event: str, what: str, done: Published) -> None:
    click.echo(f"{event}: {what} {done.id} {(KNOWN if done.already else NEW).in_(LANG)}")


@click.command(
    help=say(
        """Tell the source of EVENT (the hub's id), and nobody else: a sighting, a question, or an answer to its own.

        \b
        puente note 019ec1f0-7c3a-7e55-8c1b-0242ac120002 sighting --text-en "At the bus station" \\
            --seen-at 2026-05-04T15:10:00-07:00 --place MX-BCN:02004 --as fge.toml
        puente note 019ec1f0-7c3a-7e55-8c1b-0242ac120002 question --text-en "Which exit?" --as sdpd.toml""",
        """Informa solo a la fuente de EVENT (id del hub): un avistamiento, una pregunta o la respuesta a la suya.

        \b
        puente note 019ec1f0-7c3a-7e55-8c1b-0242ac120002 sighting --text-es "En la central de autobuses" \\
            --seen-at 2026-05-04T15:10:00-07:00 --place MX-BCN:02004 --as fge.toml
        puente note 019ec1f0-7c3a-7e55-8c1b-0242ac120002 question --text-es "¿Por qué salida?" --as sdpd.toml""",
    )
)
@click.argument("event")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--text-en", help=say("The text in English.", "El texto en inglés."))
@click.option("--text-es", help=say("The text in Spanish.", "El texto en español."))
@click.option("--seen-at", help=say("Of a sighting: when (RFC 3339).", "De un avistamiento: cuándo (RFC 3339)."))
@click.option("--place", help=say("Of a sighting: the jurisdiction.", "De un avistamiento: la jurisdicción."))
@click.option("--where-en", help=say("Roughly where, in English.", "Aproximadamente dónde, en inglés."))
@click.option("--where-es", help=say("Roughly where, in Spanish.", "Aproximadamente dónde, en español."))
@with_profile
def note(event: str, kind: str, profile: Path, **told_of: str | None) -> None:
    """``puente note``"""
    body = _note(kind, **told_of)
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        _said(event, kind, gateway.note(event, kind, body))


def _note(
    kind: str,
    *,
    text_en: str | None,
    text_es: str | None,
    seen_at: str | None,
    place: str | None,
    where_en: str | None,
    where_es: str | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {"text": bilingual(text_en, text_es)}
    if not body["text"]:
        raise click.UsageError(say("give --text-en or --text-es", "dé --text-en o --text-es"))
    if kind != "sighting":
        return body
    if not seen_at or not place:
        raise click.UsageError(
            say("a sighting needs --seen-at and --place", "un avistamiento requiere --seen-at y --place")
        )
    where = bilingual(where_en, where_es)
    return body | {"seen_at": seen_at, "place": {"jurisdiction": place} | ({"description": where} if where else {})}


@click.command(
    help=say(
        """Take back EVENT (the hub's id), an event of this agency: nobody reads it from now on. Whoever had received it
        is told that it was taken back.

        \b
        puente recall 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason wrong-person --as sdpd.toml""",
        """Retira EVENT (id del hub), un evento de esta agencia: nadie lo lee desde ahora. A quien lo había recibido se
        le avisa que fue retirado.

        \b
        puente recall 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --reason wrong-person --as fge.toml""",
    )
)
@click.argument("event")
@WITH_REASON
@NOTE_EN
@NOTE_ES
@with_profile
def recall(event: str, reason: str, note_en: str | None, note_es: str | None, profile: Path) -> None:
    """``puente recall``"""
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        _said(event, "recall", gateway.recall(event, _why(reason, note_en, note_es)))


@click.command(
    help=say(
        """Give EVENT (the hub's id), an event of this agency, the label in a JSON file. It is the whole new label, and
        may only be tighter; for a laxer one publish a new event.

        \b
        puente relabel 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --label label.json --reason safety --as sdpd.toml""",
        """Da a EVENT (id del hub), un evento de esta agencia, la etiqueta de un archivo JSON. Es la etiqueta nueva
        completa y solo puede ser más estricta; para una más laxa publique un evento nuevo.

        \b
        puente relabel 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --label etiqueta.json --reason safety --as fge.toml""",
    )
)
@click.argument("event")
@click.option(
    "--label",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=say("A JSON file.", "Un archivo JSON."),
)
@click.option("--reason", type=click.Choice(REASONS), default="other", help=say("Why.", "Por qué."))
@NOTE_EN
@NOTE_ES
@with_profile
def relabel(event: str, label: Path, *, reason: str, note_en: str | None, note_es: str | None, profile: Path) -> None:
    """``puente relabel``"""
    body = _why(reason, note_en, note_es) | {"label": _label(label)}
    with told(), Gateway(profiles.load(profile), language=LANG) as gateway:
        _said(event, "label", gateway.relabel(event, body))


def _why(reason: str, en: str | None, es: str | None) -> dict[str, Any]:
    note = bilingual(en, es)
    return {"reason": reason} | ({"note": note} if note else {})


def _label(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        click.echo(NO_LABEL.format(name=path.name).in_(LANG), err=True)
        sys.exit(UNUSABLE)
    return content


__all__ = ["note", "recall", "relabel"]
