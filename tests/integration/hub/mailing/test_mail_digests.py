"""How many mails: what is urgent comes by itself and at once, what is not comes together, once a day or as it may."""

from __future__ import annotations

from datetime import timedelta

from hub.mail_settings import MailSettings
from tests.support.mailing import DUTY, OTHER, Office, by_mail, mailing, publish, queue, settled
from tests.support.node import SHERIFF, Desk, Node
from tests.support.waiting import until

ROUTINE = {"urgency": "Expected"}


def test_what_is_not_urgent_and_due_at_once_comes_in_one_mail(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    published = [publish(police, data=ROUTINE) for _ in range(3)]
    queue(node)

    with mailing(node, told):
        until(settled(node))

    (got,) = there.got
    assert [hub_id in got.text for hub_id in published] == [True, True, True]
    assert "3 events" in str(got.message["Subject"])


def test_each_urgent_alert_has_a_mail_of_its_own(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    for _ in range(3):
        publish(police)
    queue(node)

    with mailing(node, told):
        until(settled(node))

    assert [str(one.message["Subject"]).rpartition("(")[2] for one in there.got] == ["no. 1)", "no. 2)", "no. 3)"]


def test_a_digest_comes_once_a_day_and_urgent_ones_do_not_wait_for_it(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    digest_at = node.clock() + timedelta(hours=2)
    by_mail(shelter, digest_at=f"{digest_at:%H:%M}")
    for _ in range(2):
        publish(police, data=ROUTINE)
    urgent = publish(police)
    queue(node)

    with mailing(node, told):
        until(lambda: there.got)
        node.clock.ahead = timedelta(hours=1)
        publish(node.desk(police.agency), data=ROUTINE)
        queue(node)
        before = [one.text for one in there.got]
        node.clock.ahead = timedelta(hours=2, minutes=1)
        until(settled(node))

    assert len(before) == 1
    assert urgent in before[0]
    assert len(there.got) == 2
    assert "3 events" in str(there.got[1].message["Subject"])


def test_what_is_not_urgent_waits_when_an_agency_has_had_its_share_and_what_is_urgent_comes_together(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    by_mail(shelter, address=OTHER)
    by_mail(node.desk(SHERIFF), address="desk@sheriff.example")
    publish(police, data=ROUTINE)
    queue(node)
    with mailing(node, told, per_minute=1):
        until(lambda: len(there.got) == 2)
        for _ in range(2):
            publish(police)
        queue(node)
        until(lambda: node.rows("SELECT no FROM delivery WHERE is_urgent AND state = 'due'") == [])

    routine = node.rows("SELECT count(*) FROM delivery WHERE NOT is_urgent AND state = 'due'")
    urgent = [one for one in there.got if "2 events" in str(one.message["Subject"])]
    assert routine == [(1,)]
    assert {one.to for one in urgent} >= {DUTY, OTHER}
