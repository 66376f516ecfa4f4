"""Random lives of two nodes, and whether each reader over there has exactly what the origin's policy gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import UUID

from hub.directory import Agency, Kind, Standing
from hub.grants import Grant, Selector, Tlp
from hub.policy import NOTICE
from hub.principal import of_agency
from hub.reading import Asking, decide
from hub.releases import texts_of
from hub.rendering import render
from hub.store import events
from hub.stored import Stored
from hub.timing import projection_at
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair, Side, now
from tests.support.node import BEGAN, YEAR, child_case, missing_child

REFUGIO = cast.agency("mx-bcn-refugio", Kind.NGO, "MX-BCN")
COMISION = cast.agency("mx-son-comision", Kind.SEARCH_COMMISSION, "MX-SON")
ESCUELA = cast.agency("mx-bcn-escuela", Kind.SCHOOL, "MX-BCN")
THERE = (FISCALIA, REFUGIO, COMISION, ESCUELA)
MARKS = ("partner", "enforcement", "protected", "resident")
NAME = "/data/child/name"


@dataclass
class Life:
    """One random life: the police in the US act, agencies in Mexico come and go, and everything crosses at times."""

    pair: Pair
    random: Random
    grants: dict[str, Grant] = field(default_factory=dict)
    published: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    compared: int = 0  # answers: of one reader about one event, on either side
    opened: int = 0  # of these, those that show something

    def __post_init__(self) -> None:
        self.pair.us.enrol(POLICE)
        self.pair.mx.enrol(*THERE)
        for _ in range(3):
            self.grant()
            self.publish()

    def step(self) -> str:
        """Something happens; what."""
        acts: list[Callable[[], str]] = [*[self.publish] * 4, *[self.grant] * 2, self.end, self.relabel, self.recall]
        acts += [self.standing, self.read, self.close]
        return self.random.choice(acts)()

    def publish(self) -> str:
        """An alert or a case with a random label."""
        make = self.random.choice([missing_child, missing_child, child_case])
        event = make(label=self.label(is_alert=make is missing_child), jurisdictions=["US-CA:06073"])
        self.published[self.pair.us.publish(event)] = event
        return "publish"

    def label(self, *, is_alert: bool) -> dict[str, Any]:
        """Any label that may be."""
        label: dict[str, Any] = {"tlp": self.random.choice(["clear", "green", "amber", "amber", "red"])}
        label["rel_to"] = self.random.choice([["US", "MX"], ["US", "MX"], ["US", "MX"], ["MX"], ["US"]])
        if self.random.random() < 0.2:
            label["audience"] = self.random.choice([[FISCALIA.id], [REFUGIO.id, "us-ca-shelter"], ["ngo"], ["school"]])
        if is_alert and self.random.random() < 0.4:
            label["marks"] = {NAME: self.random.choice(MARKS)}
        return label

    def grant(self) -> str:
        """A grant to somebody over there, or another version of one."""
        name = f"grant-{self.random.randrange(5)}"
        readers = [Selector(agency=one.id) for one in THERE]
        readers += [Selector(kind=one.kind) for one in THERE] + [Selector(country="MX")]
        self.grants[name] = cast.grant(
            id=name,
            reader=self.random.choice(readers),
            types=self.random.choice([("alert.*",), ("*",), ("*",), ("case.*",)]),
            max_tlp=self.random.choice([Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED]),
            clearance=self.random.choice([Sensitivity.PUBLIC, Sensitivity.PARTNER, Sensitivity.ENFORCEMENT]),
            valid_from=BEGAN - YEAR,
            valid_until=BEGAN + YEAR,
        )
        self.pair.us.regrant(*self.grants.values())
        return f"grant {name}"

    def end(self) -> str:
        """A grant ends."""
        if not self.grants:
            return "nothing"
        name = self.random.choice(sorted(self.grants))
        del self.grants[name]
        self.pair.us.regrant(*self.grants.values())
        return f"end {name}"

    def relabel(self) -> str:
        """A label is tightened: to red, or to this country alone."""
        hub_id = self._any()
        if hub_id is None:
            return "nothing"
        label = self.published[hub_id]["label"]
        change: dict[str, Any] = self.random.choice([{"tlp": "red"}, {"rel_to": ["US"]}])
        if label == label | change or set(change.get("rel_to", ())) - set(label["rel_to"]):
            return "nothing"
        self.pair.us.relabel(POLICE, hub_id, **label | change)
        self.published[hub_id]["label"] = label | change
        return f"relabel {change}"

    def recall(self) -> str:
        """An event is taken back."""
        hub_id = self._any()
        if hub_id is None:
            return "nothing"
        del self.published[hub_id]
        self.pair.us.recall(POLICE, hub_id)
        return "recall"

    def close(self) -> str:
        """An alert is over."""
        hub_id = self._any()
        if hub_id is None or "missing_child.issued" not in self.published[hub_id]["type"]:
            return "nothing"
        event = self.published[hub_id]
        over = missing_child("cancelled", minutes=30, subject=event["subject"], label=dict(event["label"]))
        over["label"].pop("marks", None)
        self.published[self.pair.us.publish(over)] = over
        return "close"

    def standing(self) -> str:
        """An agency over there is suspended, or comes back."""
        who = self.random.choice(THERE)
        standing = self.random.choice([*[Standing.ACTIVE] * 3, Standing.SUSPENDED])
        self.pair.mx.enrol(replace(who, standing=standing))
        return f"{who.id} {standing}"

    def read(self) -> str:
        """Somebody over there looks."""
        who = self.random.choice(THERE)
        if self.pair.mx.asking(who).principal.agency.is_active:
            self.pair.mx.feed(who)
        return "read"

    def _any(self) -> UUID | None:
        return self.random.choice(list(self.published)) if self.published else None

    def differences(self) -> list[str]:
        """Once everything has crossed: every reader whose copies are not what the origin gives it."""
        self.pair.cross()
        found = []
        self.compared += len(THERE) * int(self.pair.us.rows("SELECT count(*) FROM log")[0][0])
        for reader in THERE:
            seen, due = self.seen(reader), self.due(reader)
            self.opened += len(due)
            found += [f"{reader.id} has {one} too much" for one in seen.keys() - due.keys()]
            found += [f"{reader.id} lacks {one}" for one in due.keys() - seen.keys()]
            found += [f"{reader.id} sees another {one}" for one in due.keys() & seen.keys() if seen[one] != due[one]]
        return found

    def seen(self, reader: Agency) -> dict[UUID, str]:
        """What a reader may have over there."""
        return {row.hub_id: render(row, name) for row, _, name in _open_to(self.pair.mx, reader)}

    def due(self, reader: Agency) -> dict[UUID, str]:
        """What the origin's policy gives that reader now."""
        return {row.hub_id: texts_of(row, [held])[name] for row, held, name in _open_to(self.pair.us, reader)}


def _open_to(side: Side, reader: Agency) -> list[tuple[Stored, str, str]]:
    """The events that a node's policy opens to a reader, as what; notices rest on what was read, and are left out."""
    view = side.picture.refresh(side.conn)
    known = view.rules.directory.agencies.get(reader.id)
    if known is None or not known.is_active:
        return []
    asking = Asking(of_agency(known), side.picture, view, now())
    found = []
    rows = events.by_hub_ids(side.conn, [one for (one,) in side.rows("SELECT event FROM log")])
    for row in rows.values():
        held = decide(asking, row, asking.reach()).projection
        if held not in (None, NOTICE) and row.source == POLICE.id and not row.type.startswith("control."):
            found.append((row, str(held), projection_at(str(held), row.timing, asking.at)))
    return found
