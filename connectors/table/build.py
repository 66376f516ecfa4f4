"""Sections as they were loaded -> the resolved mapping; refuses what could never produce a valid event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError

from connectors.table.cells import Reading, folded
from connectors.table.mapping import Column, Places, TableMap, TimeColumn, Withdrawn
from connectors.table.targets import VERBS, Target, resolve
from schemas import marks, registry
from schemas.fields import Code
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

NO_PLACE = Text(
    'Column "{column}": events of type {family} have no such place for one value.',
    'Columna "{column}": los eventos de tipo {family} no tienen ese lugar para un valor.',
    code="unknown-field",
)
TAKEN = Text(
    'Columns "{column}" and "{other}" fill the same place.',
    'Las columnas "{column}" y "{other}" llenan el mismo lugar.',
    code="field-twice",
)
BAD_CODE = Text(
    'Column "{column}": {code} is not a code of this field.',
    'Columna "{column}": {code} no es un código de este campo.',
    code="unknown-code",
)
PERSONAL_KEY = Text(
    'Column "{column}" identifies a person and cannot be part of the key: ids are seen by every reader.',
    'La columna "{column}" identifica a una persona y no puede ser parte de la clave: los ids los ve todo lector.',
    code="personal-key",
)
NOT_IN_KEY = Text(
    'Column "{column}" of subject is not one of the key.',
    'La columna "{column}" de subject no es una de la clave.',
    code="subject-not-in-key",
)
NO_VALUES = Text(
    "Give the values that mean withdrawn.", "Indique los valores que significan retirado.", code="required"
)
NOT_LOCATED = Text(
    "Only alert.missing_child has the verb located.", "Solo alert.missing_child tiene el verbo located.", code="no-verb"
)
BAD_CONSTANT = Text(
    "{pointer} has no such value in events of type {family}.",
    "{pointer} no admite ese valor en eventos de tipo {family}.",
    code="bad-constant",
)


def build(table: Mapping[str, Any], label: Mapping[str, Any]) -> TableMap:
    """
    Resolve the loaded ``[table]`` and ``[label]``.

    Raises:
        marshmallow.ValidationError: with every contradiction found.
    """
    problems: list[Text] = []
    columns = [_column(name, entry, table, problems) for name, entry in table["columns"].items()]
    known = tuple(column for column in columns if column is not None)
    key, subject = tuple(table["key"]), tuple(table.get("subject") or table["key"])
    problems += _twice(known)
    problems += _personal(known, key)
    problems += [NOT_IN_KEY.format(column=name) for name in subject if name not in key]
    made = TableMap(
        family=table["type"],
        status=table["status"],
        columns=known,
        fixed=tuple(_fixed(table, problems)),
        key=key,
        key_prefix=table["key_prefix"],
        subject=subject,
        time=_time(table),
        withdrawn=_withdrawn(table, problems),
        places=_places(table),
        label=label,
        highest=Sensitivity[table["highest"].upper()],
    )
    body = registry.BODIES[f"{made.family}.{VERBS[made.family][0]}"]
    problems += [one.text for one in marks.flaws(label.get("marks", {}), body)]
    if problems:
        raise ValidationError({"table": problems})
    return made


def _column(name: str, entry: Mapping[str, Any], table: Mapping[str, Any], problems: list[Text]) -> Column | None:
    target = resolve(table["type"], entry["field"])
    if target is None:
        problems.append(NO_PLACE.format(column=name, family=table["type"]))
        return None
    if isinstance(target.leaf, Code):
        strangers = sorted(set(entry["codes"].values()) - set(target.leaf.codes))
        problems += [BAD_CODE.format(column=name, code=code) for code in strangers]
    return Column(
        name=name,
        also=tuple(entry["also"]),
        target=target,
        reading=_reading(entry, table),
        required=entry["required"],
        optional=entry["optional"],
        default=entry["default"],
    )


def _reading(entry: Mapping[str, Any], table: Mapping[str, Any]) -> Reading:
    return Reading(
        codes={folded(value): code for value, code in entry.get("codes", {}).items()},
        separator=entry.get("list", table["list"]),
        unit=entry.get("unit"),
        decimal=entry.get("decimal", table["decimal"]),
        form=entry.get("format"),
        zone=entry.get("zone", table.get("zone")),
        digits=entry.get("digits", 0),
    )


def _twice(columns: Iterable[Column]) -> list[Text]:
    first: dict[str, str] = {}
    problems = []
    for column in columns:
        other = first.setdefault(column.target.pointer, column.name)
        if other != column.name:
            problems.append(TAKEN.format(column=column.name, other=other))
    return problems


def _personal(columns: Iterable[Column], key: tuple[str, ...]) -> list[Text]:
    named = [column for column in columns if {column.name, *column.also} & set(key)]
    return [
        PERSONAL_KEY.format(column=column.name)
        for column in named
        if column.target.sensitivity is Sensitivity.PROTECTED
    ]


def _fixed(table: Mapping[str, Any], problems: list[Text]) -> list[tuple[Target, Any]]:
    found = []
    for pointer, value in table["fixed"].items():
        target = resolve(table["type"], pointer)
        try:
            if target is None:
                raise ValidationError("")
            for one in value if target.many else [value]:
                target.leaf.deserialize(one)
        except (ValidationError, TypeError):
            problems.append(BAD_CONSTANT.format(pointer=pointer, family=table["type"]))
        else:
            found.append((target, value))
    return found


def _time(table: Mapping[str, Any]) -> TimeColumn | None:
    section = table.get("time")
    return TimeColumn(name=section["column"], reading=_reading(section, table)) if section else None


def _withdrawn(table: Mapping[str, Any], problems: list[Text]) -> Withdrawn:
    section = table.get("withdrawn")
    if section is None:
        return Withdrawn()
    family = table["type"]
    verbs = {folded(value): VERBS[family][2] for value in section["values"]}
    verbs |= {folded(value): "located" for value in section["located"]}
    if section["located"] and family != "alert.missing_child":
        problems.append(NOT_LOCATED)
    if bool(verbs) != ("column" in section):
        problems.append(NO_VALUES)
    return Withdrawn(column=section.get("column"), verbs=verbs, close_missing=section["missing"] == "close")


def _places(table: Mapping[str, Any]) -> Places:
    section = table.get("jurisdiction")
    if section is None:
        return Places()
    return Places(
        column=section.get("column"),
        scheme=section.get("scheme"),
        codes={folded(name): code for name, code in section["codes"].items()},
        separator=section["list"],
        digits=section["digits"],
        fixed=tuple(section["fixed"]),
    )
