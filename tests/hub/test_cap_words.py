"""What a public document says in which language, and what of an end; and what the feed holds at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from hub.cap.feed import MOST_ENTRIES, Tombstone, feed
from hub.cap.info import infos, said
from hub.cap.message import Message, body
from hub.cap.press import Document
from tests.support import events
from tests.support.cast import NOW
from tests.support.public import IMPRINT, NAMES, SENDER, found

MACHINE = {"en": "Seen", "es": "Vista", "translation": "machine", "original": "en-US"}
FRENCH = {"en": "Vue", "translation": "none", "original": "fr"}


@pytest.mark.parametrize(
    ("text", "en", "es"),
    [
        (None, "", ""),
        ({"translation": "human"}, "", ""),
        (events.bilingual("Seen", "Vista"), "Seen", "Vista"),
        (events.bilingual("Seen", "Vista", "none"), "Seen", "Vista"),
        (MACHINE, "Seen", ""),
        (MACHINE | {"original": "es-MX"}, "", "Vista"),
        (MACHINE | {"original": "fr"}, "", ""),
        (FRENCH, "", ""),
        ({"es": "Vista"}, "", "Vista"),
    ],
)
def test_only_a_persons_words_are_said_in_a_language(text: dict[str, Any] | None, en: str, es: str) -> None:
    assert (said(text, "en"), said(text, "es")) == (en, es)


def test_the_other_language_stands_in_where_it_may() -> None:
    assert said({"es": "Vista"}, "en", or_other=True) == "Vista"
    assert said(MACHINE, "es", or_other=True) == "Seen"


def message(data: dict[str, Any], event_type: str = "alert.missing_child.issued") -> Message:
    event = {"type": event_type, "time": events.TIME, "status": "actual", "jurisdictions": ["US-CA:06073"]}
    return Message(
        hub_id=UUID(int=1),
        sender=SENDER,
        event=event | {"data": data},
        data=body(event | {"data": data}, []),
        expires=NOW,
        source_name="San Diego Police",
    )


def elements(data: dict[str, Any], name: str, event_type: str = "alert.missing_child.issued") -> list[list[Any]]:
    """For each block, the contents of its elements of a name."""
    return [[content for each, content in block if each == name] for block in infos(message(data, event_type))]


def test_the_block_in_the_sources_language_comes_first() -> None:
    assert elements({"headline": {"es": "Vista"}}, "language") == [["es-MX"], ["en-US"]]
    assert elements({"headline": {"en": "Seen"}}, "language") == [["en-US"], ["es-MX"]]


def test_a_block_without_words_of_its_source_leads_to_the_other_one() -> None:
    assert elements({"headline": {"es": "Vista"}}, "description") == [
        [],
        ["The text of this alert is only in Spanish."],
    ]
    assert elements({}, "description") == [[], []]


@pytest.mark.parametrize(
    ("data", "event_type", "names", "code"),
    [
        ({"programme": "AMBER_MX"}, "alert.missing_child.issued", ["AMBER Alert", "Alerta AMBER"], "CAE"),
        ({"programme": "MEP"}, "alert.missing_child.issued", ["Missing and Endangered Person", None], "MEP"),
        ({"programme": "OTHER"}, "alert.missing_child.issued", ["Missing child", None], "ADR"),
        ({"event_code": "FFW"}, "alert.warning.issued", ["Public warning", "Aviso a la población"], "FFW"),
    ],
)
def test_what_the_source_does_not_name_is_named(
    data: dict[str, Any], event_type: str, names: list[str | None], code: str
) -> None:
    called = [block[0] for block in elements(data, "event", event_type)]

    assert [name or other for name, other in zip(names, called, strict=True)] == called
    assert elements(data, "eventCode", event_type)[0] == [[("valueName", "SAME"), ("value", code)]]


def test_texts_for_telephones_go_once_and_only_where_they_fit() -> None:
    given = [
        {"name": "CMAMtext", "value": "x" * 90},
        {"name": "CMAMlongtext", "value": "x" * 361},
        {"name": "Another system's", "value": "x"},
        {"name": "EAS-ORG", "value": "WXR"},
    ]

    kept = [[pair[0][1] for pair in block] for block in elements({"parameters": given}, "parameter")]

    assert kept == [["EAS-ORG", "CMAMtext"], ["EAS-ORG"]]


@pytest.mark.parametrize(
    "kind", ["alert.missing_child.located", "alert.missing_child.cancelled", "alert.warning.cancelled"]
)
def test_of_an_end_its_source_says_nothing_freely(kind: str) -> None:
    text = events.bilingual("Found at 1 Doe St", "Hallada en 1 Doe St")
    resources = [{"mime": "image/png", "uri": "https://a.example/b.png"}]
    said_freely = dict.fromkeys(("event", "headline", "description", "instruction", "contact"), text)

    blocks = list(infos(message(said_freely | {"resources": resources, "web": "https://a.example"}, f"alert.{kind}")))

    assert "Doe" not in str(blocks)
    assert "a.example" not in str(blocks)
    assert all(("urgency", "Past") in block for block in blocks)


def test_only_a_located_child_is_all_clear() -> None:
    assert elements({}, "responseType", "alert.missing_child.located") == [["AllClear"], ["AllClear"]]
    assert elements({}, "responseType", "alert.missing_child.cancelled") == [[], []]


def test_files_are_told_of_by_their_address() -> None:
    photo = {"mime": "image/jpeg", "uri": "https://a.example/photo.jpg"}
    data = {"child": {"photo": photo}, "resources": [{"mime": "image/png"}, {"mime": "image/png", "uri": "/map.png"}]}

    told = elements(data, "resource")

    address = [("mimeType", "image/jpeg"), ("uri", "https://a.example/photo.jpg")]
    assert told == [[[("resourceDesc", "Photo"), *address]], [[("resourceDesc", "Fotografía"), *address]]]


def listed(number: int) -> Document:
    usual = Document(
        hub_id=UUID(int=number),
        xml=b"",
        tag="",
        title=str(number),
        source_name="San Diego Police",
        message_type="Alert",
        sent="",
        updated=NOW,
    )
    return replace(usual, updated=NOW + timedelta(minutes=number))


def test_the_feed_holds_the_newest_hundred_and_no_more() -> None:
    many = [listed(number) for number in range(1, MOST_ENTRIES + 6)]
    gone = [Tombstone(one.hub_id, one.updated) for one in many]

    root = etree.fromstring(feed(IMPRINT, many, gone))

    assert found(root, "atom:entry/atom:title/text()") == [str(number) for number in range(105, 5, -1)]
    assert len(found(root, "at:deleted-entry/@ref")) == MOST_ENTRIES


def test_the_feed_has_what_atom_requires() -> None:
    """RFC 4287 sections 4.1.1 and 4.1.2: id, title, updated and, in each entry, an author."""
    root = etree.fromstring(feed(IMPRINT, [listed(1)], []))

    for name in ("id", "title", "updated"):
        assert [len(root.findall(f"{at}atom:{name}", NAMES)) for at in ("", "atom:entry/")] == [1, 1]
    assert found(root, "atom:entry/atom:author/atom:name/text()") == ["San Diego Police"]
    assert found(root, "atom:updated/text()") == ["2026-05-04T21:01:00Z"]


def test_a_feed_of_nothing_is_the_same_at_each_look() -> None:
    assert feed(IMPRINT, [], []) == feed(IMPRINT, [], [])
    assert b"deleted-entry" in feed(IMPRINT, [], [Tombstone(UUID(int=1), datetime(2026, 5, 4, tzinfo=UTC))])
