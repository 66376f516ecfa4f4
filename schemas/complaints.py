"""What fields say when a value does not fit: in both languages, with a stable code, and never with the value itself."""

from __future__ import annotations

from schemas.texts import Text

REQUIRED = Text("This member is required.", "Este miembro es obligatorio.", code="required")
NULL = Text(
    "null is not accepted; leave the member out.", "No se acepta null; omita el miembro.", code="null-not-accepted"
)
UNKNOWN = Text("This member is not known.", "Este miembro no se conoce.", code="unknown-member")
NOT_AN_OBJECT = Text("This must be an object.", "Debe ser un objeto.", code="not-an-object")
NOT_A_LIST = Text("This must be a list.", "Debe ser una lista.", code="not-a-list")
NOT_TEXT = Text("This must be a string.", "Debe ser una cadena de texto.", code="not-text")
LENGTH = Text(
    "This must have {min} to {max} characters.", "Debe tener de {min} a {max} caracteres.", code="wrong-length"
)
COUNT = Text("This must have {min} to {max} items.", "Debe tener de {min} a {max} elementos.", code="wrong-count")
BAD_CHARACTER = Text(
    "Control and direction-override characters are not accepted here.",
    "Aquí no se aceptan caracteres de control ni de cambio de dirección.",
    code="bad-character",
)
PATTERN = Text("This must be {what}.", "Debe ser {what}.", code="wrong-form")
NOT_A_CODE = Text(
    "This is not one of the known codes ({hint}).", "No es uno de los códigos conocidos ({hint}).", code="unknown-code"
)
NOT_A_NUMBER = Text(
    "This must be a number from {min} to {max}.", "Debe ser un número de {min} a {max}.", code="wrong-number"
)
NOT_WHOLE = Text(
    "This must be a whole number from {min} to {max}.",
    "Debe ser un número entero de {min} a {max}.",
    code="wrong-number",
)
NOT_A_FLAG = Text("This must be true or false.", "Debe ser true o false.", code="not-a-flag")
NOT_AN_INSTANT = Text(
    "This must be a time with its offset, such as 2026-05-04T13:30:00-07:00 (RFC 3339).",
    "Debe ser una hora con su desfase, como 2026-05-04T13:30:00-07:00 (RFC 3339).",
    code="not-an-instant",
)
NOT_A_DAY = Text("This must be a date, such as 2026-05-04.", "Debe ser una fecha, como 2026-05-04.", code="not-a-day")
NOT_A_PLACE = Text(
    "This is not a known jurisdiction code, such as US-CA:06073 or MX-BCN:02004.",
    "No es un código de jurisdicción conocido, como US-CA:06073 o MX-BCN:02004.",
    code="unknown-jurisdiction",
)
REPEATED = Text("No item may appear twice.", "Ningún elemento puede repetirse.", code="repeated-item")
TOO_MANY_UNKNOWN = Text(
    "This object has many members that are not known.",
    "Este objeto tiene muchos miembros que no se conocen.",
    code="unknown-member",
)
