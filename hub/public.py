"""
What anybody may read without a token: CAP documents of live alerts, an Atom feed of them, and word of those that ended.

The public is an agency of kind `public`, named in the settings: grants and labels open events to it as to any reader,
and the one policy decides, at projection `public`; of these, only TLP:CLEAR has no limit on disclosure (TLP 2.0).

A document is the same for everybody, and a disclosure to the public, once made, is made: so the entry is written when
a gateway makes a document, not each time it hands one out. What is refused leaves none, or strangers could fill the
audit.

An alert is live until it is closed, recalled or over in time (`hub.cap.message.expiry`). Each answer decides anew, so
an end shows at once, and in other people's caches after MAX_AGE_S. What ended is 410 from then on; a Cancel takes its
place for 72 hours. An end of something that the public was never given is none of its business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from hub.cap.feed import MOST_ENTRIES, Tombstone, feed
from hub.cap.message import TOLD_FOR, Message, Reference, body, cap_time, expiry, instant
from hub.cap.press import Document, Key, Press
from hub.directory import Kind
from hub.errors import Gone, NotVisible
from hub.grants import Tlp
from hub.policy import NOTICE
from hub.principal import READ, Principal
from hub.reading import Asking, Shown, choose, disclose
from hub.rendering import render
from hub.store import alerts, events, publications
from hub.store.publications import STANDS, Publication
from schemas.registry import closes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from hub.picture import Picture
    from hub.policy import Facts
    from hub.store import Connection
    from hub.stored import Stored

WAY = "cap"  # what disclosure entries name as the path
MAX_AGE_S = 15  # for how long caches may answer in our place
MOST_OF_ALERT = 200  # events of one alert that a document is made from
PUBLIC, LAPSED = "public", "public~"
Subject = tuple[str, str]  # source and subject: one alert


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event as the public may have it at this moment; `is_live`: it has a document."""

    shown: Shown
    event: dict[str, Any]
    expires: datetime
    is_live: bool

    @property
    def row(self) -> Stored:
        """The event as the hub keeps it."""
        return self.shown.row

    @property
    def position(self) -> int:
        """Its place in the log; it has one."""
        return self.row.position or 0

    @property
    def subject(self) -> Subject:
        """The alert it belongs to."""
        return self.row.source, self.row.subject

    def ended_at(self, at: datetime) -> datetime:
        """Since when it is not live; where nothing says so, since now."""
        return self.row.timing.lapsed_at or min(self.expires, at)


Families = Mapping[Subject, Sequence[Candidate]]  # of each alert all that the public may have, in the order of the log


@dataclass(frozen=True, slots=True)
class Printed:
    """An answer; `made` is to be kept when its disclosure is committed (`keep`)."""

    content: bytes
    tag: str
    made: tuple[tuple[Key, Document], ...]

    def keep(self, press: Press) -> None:
        """Remember what was made."""
        for key, document in self.made:
            press.keep(key, document)


def public_asking(picture: Picture, press: Press, at: datetime) -> Asking | None:
    """The public asking; None: no such agency is enrolled and active here."""
    view = picture.view
    agency = view.rules.directory.active(press.imprint.agency)
    if agency is None or agency.kind is not Kind.PUBLIC:
        return None
    return Asking(Principal(agency=agency, client_id="public", scopes=frozenset({READ})), picture, view, at)


def read_document(conn: Connection, asking: Asking, press: Press, hub_id: UUID) -> Printed:
    """
    The CAP document of one event.

    Raises:
        Gone: there was one.
        NotVisible: there never was.
        Stale: the picture has changed.
    """
    asking.require_current(conn)
    row = events.by_hub_id(conn, hub_id, asking.reader)
    found = _candidates(asking, [] if row is None else [row])
    live = [one for one in found if one.is_live]
    documents, made = _documents(conn, asking, press, live, {})
    if not documents:
        raise Gone if publications.is_made(conn, asking.reader, hub_id) else NotVisible
    return Printed(documents[0].xml, documents[0].tag, made)


def read_feed(conn: Connection, asking: Asking, press: Press) -> Printed:
    """
    The newest document of each live alert that is no exercise and no test, and what has ended within 72 hours.

    At most 100 of each, the newest.

    Raises:
        Stale: the picture has changed.
    """
    asking.require_current(conn)
    since = asking.at - TOLD_FOR
    # What is not clear has no document, and shall not take the place of what has one.
    clear = [one for one in _lanes(asking) if _is_clear(asking.view.lanes.lanes[one].facts)]
    wanted = alerts.Wanted(status="actual", lanes=clear, each=1, limit=MOST_ENTRIES)
    active = alerts.newest(conn, wanted, at=asking.at)
    rows = {row.hub_id: row for row in (*active, *publications.events_of(conn, asking.reader, since))}
    found = _candidates(asking, rows.values())
    gone = _gone(conn, asking, found, since)
    newest = {one.subject: one for one in found if one.is_live and one.event["status"] == "actual"}
    documents, made = _documents(conn, asking, press, list(newest.values()), _by_alert(found))
    content = feed(press.imprint, documents, gone)
    return Printed(content, press.tag(content), made)


def _lanes(asking: Asking) -> list[int]:
    lanes = asking.view.lanes.lanes
    return [one for one in asking.reach().lanes if lanes[one].facts.type.startswith("alert.")]


def _is_clear(facts: Facts) -> bool:
    return facts.tlp is Tlp.CLEAR and facts.status == "actual"


def _candidates(asking: Asking, rows: Iterable[Stored]) -> list[Candidate]:
    """What of `rows` the public may have, in the order of the log."""
    placed = [row for row in rows if row.position is not None and row.type.startswith("alert.")]
    found = [_candidate(asking, one) for one in choose(asking, placed) if one.projection in (PUBLIC, LAPSED, NOTICE)]
    return sorted(found, key=lambda one: one.position)


def _candidate(asking: Asking, chosen: Shown) -> Candidate:
    row = chosen.row
    is_clear = asking.lane_of(row).facts.tlp is Tlp.CLEAR
    shown = Shown(row, chosen.decision, chosen.projection if is_clear else NOTICE)
    event = orjson.loads(render(row, shown.projection))
    expires = expiry(event, row.timing, row.accepted_at)
    is_public = shown.projection == PUBLIC and row.timing.lapsed_at is None
    return Candidate(shown, event, expires, asking.at < expires and (is_public or closes(row.type)))


def _gone(conn: Connection, asking: Asking, found: Sequence[Candidate], since: datetime) -> list[Tombstone]:
    """What there was a document of and is none; noted where that is new."""
    by_id = {one.row.hub_id: one for one in found}
    missing = [
        one
        for one in publications.standing(conn, asking.reader, since)
        if not (one.event in by_id and by_id[one.event].is_live)
    ]
    ended = {
        one.event: by_id[one.event].ended_at(asking.at) if one.event in by_id else asking.at
        for one in missing
        if one.ended_at == STANDS
    }
    publications.end(conn, asking.reader, dict(sorted(ended.items())))
    tombstones = [Tombstone(one.event, ended.get(one.event, one.ended_at)) for one in missing if one.status == "actual"]
    return [one for one in tombstones if one.when > since]


def _documents(
    conn: Connection, asking: Asking, press: Press, wanted: Sequence[Candidate], families: Families
) -> tuple[list[Document], tuple[tuple[Key, Document], ...]]:
    """
    The documents of `wanted`, and which of them, and of what came before them in their alerts, were made now.

    The whole alert is made at once, so that each document can refer to all that the public may have before it.
    `families` spare the reading of alerts of which all documents are kept; those that are not in it are read.
    """
    rules = asking.view.rules.version
    subjects = {one.subject for one in wanted if press.kept(_key(one, families, rules)) is None}
    read = {subject: _family(conn, asking, subject) for subject in subjects}
    families = {**families, **read}
    earlier = publications.of_subjects(conn, asking.reader, subjects)
    known = {one.event for one in earlier}
    new = [one for family in read.values() for one in family if one.is_live and _is_news(one, earlier)]
    # In one order, or two gateways that make the same could wait for each other.
    new = sorted((one for one in new if press.kept(_key(one, families, rules)) is None), key=lambda one: one.position)
    disclose(conn, asking, [one.shown for one in new], WAY)
    noted = [_publication(one) for one in new]
    publications.add(conn, asking.reader, noted)
    earlier += [one for one in noted if one.event not in known]
    made = {
        _key(one, families, rules): press.make(_message(asking, press, one, families[one.subject], earlier))
        for one in new
    }
    kept = [made.get(key) or press.kept(key) for key in (_key(one, families, rules) for one in wanted)]
    return [one for one in kept if one is not None], tuple(made.items())


def _key(one: Candidate, families: Families, rules: str) -> Key:
    """What its document is kept under; of an alert that was not read, a key that nothing is kept under."""
    family = families.get(one.subject, ())
    return Key(tuple((it.row.hub_id, it.shown.projection) for it in family if it.position <= one.position), rules)


def _by_alert(found: Iterable[Candidate]) -> Families:
    families: dict[Subject, list[Candidate]] = {}
    for one in found:
        families.setdefault(one.subject, []).append(one)
    return families


def _is_news(one: Candidate, earlier: Iterable[Publication]) -> bool:
    """An end is one only to who was given what it ends."""
    return not closes(one.row.type) or any(_is_before(other, one) for other in earlier)


def _is_before(other: Publication, one: Candidate) -> bool:
    return (other.source, other.subject) == one.subject and other.position < one.position


def _family(conn: Connection, asking: Asking, subject: Subject) -> list[Candidate]:
    """All of one alert that the public may have now, in the order of the log."""
    rows = events.of_subject(conn, subject[1], asking.reader, _lanes(asking), limit=MOST_OF_ALERT)
    return _candidates(asking, [row for row in rows if row.source == subject[0]])


def _publication(one: Candidate) -> Publication:
    return Publication(
        event=one.row.hub_id,
        source=one.row.source,
        subject=one.row.subject,
        status=str(one.event["status"]),
        position=one.position,
        sent=cap_time(instant(one.event["time"])),
        ended_at=STANDS,
    )


def _message(
    asking: Asking, press: Press, one: Candidate, family: Sequence[Candidate], earlier: Iterable[Publication]
) -> Message:
    before = [other.event.get("data", {}) for other in family if other.position < one.position]
    references = [Reference(other.event, other.sent) for other in earlier if _is_before(other, one)]
    source = asking.view.rules.directory.agencies.get(one.row.source)
    return Message(
        hub_id=one.row.hub_id,
        sender=press.imprint.sender,
        event=one.event,
        data=body(one.event, before),
        expires=one.expires,
        source_name=one.row.source if source is None else source.name,
        references=tuple(references),
    )
