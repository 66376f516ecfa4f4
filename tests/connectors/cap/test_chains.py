"""Updates and cancels belong to what they refer to, in whatever order they come and wherever a kill interrupts."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.cap.drafts import alert, info, reference
from tests.connectors.cap.world import Connector, defects, refused

TIMES = {n: f"2026-05-04T1{n}:00:00-07:00" for n in range(5)}
QUIET = info(event="Update", eventCode=None)


def message(number: int, *, about: int | None, kind: str = "Update", **elements: Any) -> bytes:
    """Message ``number`` of a chain, which refers to message ``about``."""
    refers = None if about is None else reference(f"SAMPLE-{about}", TIMES[about])
    return alert(identifier=f"SAMPLE-{number}", sent=TIMES[number], msgType=kind, references=refers, **elements)


ISSUED = message(0, about=None, kind="Alert")
UPDATED = message(1, about=0, info=[QUIET])
AGAIN = message(2, about=1, info=[QUIET])
CANCELLED = message(3, about=2, kind="Cancel", info=None)
CHAIN = (ISSUED, UPDATED, AGAIN, CANCELLED)


def last_word(connector: Connector) -> dict[str, tuple[str, str]]:
    """Subject and type of what was published last about each message."""
    return {
        event["id"].partition("~")[0].split(",")[0]: (event["subject"], event["type"]) for event in connector.published
    }


def test_a_chain_in_order_is_one_subject(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    for number, raw in enumerate(CHAIN):
        connector.drop(f"{9 - number}.xml", raw)
    connector.read()

    assert [event["type"].rpartition(".")[2] for event in connector.published] == [
        "issued",
        "updated",
        "updated",
        "cancelled",
    ]
    assert {event["subject"] for event in connector.published} == {connector.published[0]["id"]}
    assert {event["type"].split(".")[1] for event in connector.published} == {"missing_child"}


def test_an_update_of_something_unknown_is_published_with_its_defect(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("1.xml", UPDATED)
    connector.read()

    (event,) = connector.published
    assert "reference-missing" in defects(event)
    assert event["subject"].startswith("cap:SAMPLE-0,")


def test_it_is_corrected_when_the_missing_alert_arrives(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    for name, raw in (("1.xml", UPDATED), ("0.xml", ISSUED)):
        connector.drop(name, raw)
        connector.read()

    first, root, corrected = connector.published
    assert corrected["id"].startswith(f"{first['id']}~")
    assert (corrected["subject"], corrected["type"]) == (root["id"], "alert.missing_child.updated")
    assert "reference-missing" not in defects(corrected)
    assert corrected["data"] == first["data"]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whatever_the_order_the_last_word_on_each_is_the_same(order: tuple[int, ...], tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    for number in order:
        connector.drop(f"{number}.xml", CHAIN[number])
        connector.read()

    words = last_word(connector)
    assert {subject.split(",")[0] for subject, _ in words.values()} == {"cap:SAMPLE-0"}
    assert words["cap:SAMPLE-3"][1] == "alert.missing_child.cancelled"
    assert len({event["id"] for event in connector.published}) == len(connector.published)


@pytest.mark.parametrize("crash_at", range(4))
@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 2, 1, 0), (2, 0, 1, 3)])
def test_killed_at_any_point_it_publishes_everything_and_nothing_twice(
    crash_at: int, order: tuple[int, ...], tmp_path: Path
) -> None:
    connector = Connector(tmp_path)
    for step, number in enumerate(order):
        connector.drop(f"{number}.xml", CHAIN[number])
        connector.read(crash=step == crash_at)
    connector.read()

    words = last_word(connector)
    assert len(words) == 4
    assert {subject.split(",")[0] for subject, _ in words.values()} == {"cap:SAMPLE-0"}
    assert len({event["id"] for event in connector.published}) == len(connector.published)


def test_what_is_done_is_not_read_again(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.read()
    connector.drop("copy.xml", ISSUED)

    assert connector.read() == []
    assert len(connector.published) == 1


def test_sasmex_reuses_an_identifier_and_means_two_alerts(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    for second in (0, 1):
        connector.drop(f"{second}.xml", alert(sent=f"2026-05-04T13:30:0{second}-07:00", version="1.1"))
    connector.read()

    assert len({event["id"] for event in connector.published}) == 2
    assert len({event["subject"] for event in connector.published}) == 2


def test_one_identity_cannot_say_two_things(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.read()
    connector.drop("other.xml", message(0, about=None, kind="Alert", info=[info(headline="Another child")]))

    assert refused(connector.read()) == {"identity-reused"}
    assert len(connector.published) == 1


def test_the_same_alert_in_other_bytes_is_told_once(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.read()
    connector.drop("indented.xml", ISSUED.replace(b"><", b">\n  <"))

    assert refused(connector.read()) == set()
    assert len(connector.published) == 1


def test_naads_refers_by_another_sender_string_and_stays_visible(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.drop(
        "1.xml",
        message(1, about=None).replace(
            b"</scope>",
            b"</scope><references>" + reference("SAMPLE-0", TIMES[0], "Amber@sdpd.example").encode() + b"</references>",
        ),
    )
    connector.read()

    assert "reference-missing" in defects(connector.published[1])


def test_an_update_that_refers_to_nothing_is_its_own_subject(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("1.xml", message(1, about=None))
    connector.read()

    (event,) = connector.published
    assert event["subject"] == event["id"]
    assert "references-missing" in defects(event)


def test_alerts_that_refer_to_each_other_come_to_rest(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    for number, about in ((1, 2), (2, 1)):
        connector.drop(f"{number}.xml", message(number, about=about))
        connector.read()

    assert len({event["subject"] for event in connector.published}) == 1
    assert connector.read() == []


def test_what_one_configuration_refused_another_may_accept(tmp_path: Path) -> None:
    connector = Connector(tmp_path, '[source]\nfolder = "inbox"\n')
    connector.drop("0.xml", alert(msgType="Ack", references=reference()))
    assert refused(connector.read()) == {"msgtype-ack"}
    assert connector.read() == []

    connector.configure('[source]\nfolder = "inbox"\n[label]\npublic_hours = 24\n')
    assert refused(connector.read()) == {"msgtype-ack"}


def test_a_new_configuration_does_not_publish_again_what_is_out(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.read()
    connector.configure('[source]\nfolder = "inbox"\n[label.public]\nrel_to = ["MX"]\n')

    assert connector.read() == []


def test_originals_are_kept_as_they_came_and_for_the_connector_alone(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.read()

    digest = connector.published[0]["origin"]["sha256"]
    kept = tmp_path / "state" / "originals" / digest[:2] / f"{digest}.xml"
    assert kept.read_bytes() == ISSUED
    assert kept.stat().st_mode & 0o077 == 0


def test_a_dry_run_leaves_nothing_behind(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("0.xml", ISSUED)
    connector.drop("1.xml", UPDATED)
    items = connector.check(connector.inbox / "1.xml", connector.inbox / "0.xml")

    assert len([event for item in items for event in item.events]) == 2
    assert not (tmp_path / "state").exists()
