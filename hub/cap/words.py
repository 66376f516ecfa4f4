"""The hub's own words in public documents, written by people in both languages."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

TAGS: Mapping[str, str] = MappingProxyType({"en": "en-US", "es": "es-MX"})

AMBER = Text("AMBER Alert", "Alerta AMBER")
EVENTS: Mapping[str, Text] = MappingProxyType(
    {
        "AMBER_US": AMBER,
        "AMBER_MX": AMBER,
        "MEP": Text("Missing and Endangered Person", "Persona desaparecida en peligro"),
        "ALBA": Text("Alert under Protocolo Alba", "Alerta del Protocolo Alba"),
        "ALERTA_NACIONAL": Text("National search alert", "Alerta Nacional de Búsqueda"),
    }
)
MISSING_CHILD = Text("Missing child", "Persona menor de edad desaparecida")
WARNING = Text("Public warning", "Aviso a la población")

# In the block of a language that the source wrote nothing in: a machine's translation is never shown to the public.
ELSEWHERE = Text("The text of this alert is only in Spanish.", "El texto de esta alerta está solo en inglés.")

LOCATED = Text(
    "The child was located. The alert is over.", "La persona menor de edad fue localizada. La alerta terminó."
)
CANCELLED = Text("The alert is cancelled.", "La alerta queda cancelada.")
EXERCISE = Text("This is an exercise.", "Esto es un simulacro.")
TEST = Text("This is a test.", "Esto es una prueba.")

PHOTO = Text("Photo", "Fotografía")
FILE = Text("File", "Archivo")
FEED = Text("Public alerts of node {node}", "Alertas públicas del nodo {node}")


def both(text: Text) -> str:
    """In one line, for where a format has room for one text only."""
    return f"{text} / {text.es}"
