"""
One row to one event. Pure: the same row under the same configuration always gives the same event id.

The id is the key columns and a keyed digest of everything the row says. Keyed, because a plain digest of a row with
few possible values can be guessed, and under 34 USC 12291(b)(2) and 28 CFR 94.115 a hash of a client's data is a
disclosure of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.source import Issued
from connectors.table.cells import Unfit, as_text, folded, to_instant, to_value, to_values
from connectors.table.grid import Row
from connectors.table.mapping import Column, TableMap
from connectors.table.targets import VERBS, pruned, put
from schemas import envelope, places, registry, wire
from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

MAX_KEY_CHARS = 200
ID_DIGEST_CHARS = 20  # 80 bits

IN_COLUMN = Text('Column "{column}": {why}', 'Columna "{column}": {why}')
EMPTY = Text("a value is required here.", "aquí se requiere un valor.", code="required")
EMPTY_KEY = Text("the key of a row may not be empty.", "la clave de una fila no puede estar vacía.", code="empty-key")
LONG_KEY = Text(
    "The key of the row has more than {max} characters.",
    "La clave de la fila tiene más de {max} caracteres.",
    code="long-key",
)
NO_PLACE = Text("This names no known place.", "Esto no nombra ningún lugar conocido.", code="unknown-place")
ASSUMED = Text(
    'No place could be made out of column "{column}"; the source\'s own jurisdictions stand in for it. {why}',
    'De la columna "{column}" no se obtuvo ningún lugar; valen las jurisdicciones de la fuente. {why}',
    code="place-assumed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a row says, before its history decides whether it is the first event of its key or a later one."""

    key: str  # of the row, in ids and in the journal
    subject: str
    verb: str | None  # closed, cancelled, located; None = not withdrawn
    time: str | None  # as the row says; None = the row does not say
    jurisdictions: tuple[str, ...]
    label: Mapping[str, Any]
    data: Mapping[str, Any]
    defects: tuple[Mapping[str, Any], ...] = ()

    def digest(self, secret: bytes) -> str:
        """64 hexadecimal digits that stand for everything in this draft."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return hmac.new(secret, wire.encode(told), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a row needs to know beyond itself."""

    map: TableMap
    agency: str
    jurisdictions: tuple[str, ...]  # of the source
    secret: bytes  # keys the digests in ids


def draft(row: Row, context: Context) -> Draft:
    """
    Read one row.

    Raises:
        Malformed: with everything wrong in it, each flaw naming its column and never its value.
    """
    flaws = list(row.flaws)
    if flaws:
        raise Malformed(*flaws)
    event: dict[str, Any] = {"data": {}, "label": dict(context.map.label)}
    for target, value in context.map.fixed:
        put(event, target.steps, value)
    for column in context.map.columns:
        _fill(event, column, row, context.map, flaws)
    key = _joined(row, context.map.key, context.map, flaws)
    subject = _joined(row, context.map.subject, context.map, [])  # of the same columns: their flaws are told already
    found, defects = _places(row, context, flaws)
    made = Draft(
        key=key,
        subject=subject,
        verb=_verb(row, context.map, flaws),
        time=_time(row, context.map, flaws),
        jurisdictions=found,
        label=event["label"],
        data=pruned(event["data"]),
        defects=tuple(defects),
    )
    if flaws:
        raise Malformed(*flaws)
    return made


def to_event(draft: Draft, history: tuple[Issued, ...], context: Context, now: datetime) -> dict[str, Any] | None:
    """
    The next event of this row's key, or None if its last one already says this.

    Raises:
        Malformed: the result breaks the published language.
    """
    digest = draft.digest(context.secret)
    if history and history[-1].digest == digest:
        return None
    # A row that returns to an earlier state is a new fact and needs an id of its own.
    returns = sum(issued.digest == digest for issued in history)
    suffix = f".{returns + 1}" if returns else ""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{draft.key}:{digest[:ID_DIGEST_CHARS]}{suffix}",
        "source": context.agency,
        "type": f"{context.map.family}.{_next_verb(draft, history, context.map.family)}",
        "subject": draft.subject,
        "time": draft.time or now.isoformat(timespec="seconds"),
        "status": context.map.status,
        "jurisdictions": list(draft.jurisdictions),
        "label": dict(draft.label),
        "origin": {"format": "table", "sha256": digest, "signature": "none"},
        "data": dict(draft.data),
    }
    if draft.defects:
        event["defects"] = list(draft.defects)
    envelope.load(event)
    return event


def _next_verb(draft: Draft, history: tuple[Issued, ...], family: str) -> str:
    if draft.verb:
        return draft.verb
    first, changed, _ = VERBS[family]
    is_open = bool(history) and not registry.closes(history[-1].type)
    return changed if is_open else first


def _fill(event: dict[str, Any], column: Column, row: Row, wanted: TableMap, flaws: list[Flaw]) -> None:
    if column.target.sensitivity > wanted.highest:
        return
    cell = row.cells.get(column.name)
    try:
        read = to_values if column.target.many else to_value
        value: Any = read(cell, column.target.leaf, column.reading)
    except Unfit as problem:
        flaws.append(_in_column(column.name, problem.text))
        return
    if value in (None, []):
        value = column.default
    if value is not None:
        put(event, column.target.steps, value)
    elif column.required:
        flaws.append(_in_column(column.name, EMPTY))


def _joined(row: Row, names: tuple[str, ...], wanted: TableMap, flaws: list[Flaw]) -> str:
    parts = []
    for name in names:
        try:
            part = " ".join(as_text(row.cells.get(name)).split())
        except Unfit as problem:
            flaws.append(_in_column(name, problem.text))
            return ""
        if not part:
            flaws.append(_in_column(name, EMPTY_KEY))
        # "/" joins the parts, so within one of several it is doubled: two rows never share a key by accident.
        parts.append(part.replace("/", "//") if len(names) > 1 else part)
    key = wanted.key_prefix + "/".join(parts)
    if len(key) > MAX_KEY_CHARS:
        flaws.append(flaw("", LONG_KEY.format(max=MAX_KEY_CHARS)))
    return key


def _verb(row: Row, wanted: TableMap, flaws: list[Flaw]) -> str | None:
    name = wanted.withdrawn.column
    if name is None:
        return None
    try:
        return wanted.withdrawn.verbs.get(folded(as_text(row.cells.get(name))))
    except Unfit as problem:
        flaws.append(_in_column(name, problem.text))
        return None


def _time(row: Row, wanted: TableMap, flaws: list[Flaw]) -> str | None:
    if wanted.time is None:
        return None
    cell = row.cells.get(wanted.time.name)
    try:
        text = as_text(cell)
        return to_instant(cell, text, wanted.time.reading) if text else None
    except Unfit as problem:
        flaws.append(_in_column(wanted.time.name, problem.text))
        return None


def _places(row: Row, context: Context, flaws: list[Flaw]) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
    """The row's places; where none can be made out, the source's own, and a defect that readers see."""
    wanted = context.map.places
    otherwise = wanted.fixed or context.jurisdictions
    if wanted.column is None:
        return otherwise, []
    try:
        text = as_text(row.cells.get(wanted.column))
    except Unfit as problem:
        flaws.append(_in_column(wanted.column, problem.text))
        return otherwise, []
    found: dict[str, None] = {}
    unknown: list[Text] = []
    for part in filter(None, map(str.strip, text.split(wanted.separator))):
        try:
            found[_place(part, context)] = None
        except Unfit as problem:
            unknown.append(problem.text)
    if found and not unknown:
        return tuple(found), []
    why = unknown[0] if unknown else NO_PLACE
    message = ASSUMED.format(column=wanted.column, why=why)
    return tuple(found) or otherwise, [{"code": ASSUMED.code, "text": message.as_dict()}]


def _place(text: str, context: Context) -> str:
    wanted = context.map.places
    if folded(text) in wanted.codes:
        return wanted.codes[folded(text)]
    if wanted.scheme is None:
        if places.is_jurisdiction(text):
            return text
        raise Unfit(NO_PLACE)
    country = places.country_of_agency(context.agency)
    try:
        return places.from_geocode(wanted.scheme, text.zfill(wanted.digits), country=country)
    except places.UnknownPlace as problem:
        raise Unfit(problem.text) from problem


def _in_column(column: str, why: Text) -> Flaw:
    return Flaw(path=column, code=why.code, text=IN_COLUMN.format(column=column, why=why))
