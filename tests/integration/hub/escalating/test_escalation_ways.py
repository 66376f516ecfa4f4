"""By which way who is silent is called: another than before, where there is one."""

from __future__ import annotations

from tests.support.escalating import Escalation, desk
from tests.support.node import Desk
from tests.support.subscribing import subscribe

NOT_AT_FIRST = {"types": ["case.*"]}  # of what is told of no alert when it comes


def called_by(escalation: Escalation) -> list[tuple[str, str]]:
    """Desks and ways."""
    return escalation.node.rows(
        "SELECT s.desk, s.channel FROM delivery d JOIN subscription s ON s.id = d.subscription"
        " WHERE d.about IS NOT NULL ORDER BY s.desk, s.channel"
    )


def recorded(escalation: Escalation) -> list[tuple[str, str | None]]:
    """By which ways calls went, and whether these were the same as before."""
    return escalation.node.rows(
        "SELECT detail::json->>'channels', detail::json->>'same_way' FROM audit WHERE action = 'escalate' ORDER BY no"
    )


def test_who_was_told_by_webhook_is_called_by_mail_as_well_whatever_desk_has_it(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    subscribe(sheriff, desk="supervisor")
    desk(sheriff, "night", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert called_by(escalation) == [("night", "email"), ("supervisor", "webhook")]
    assert recorded(escalation) == [('["email","webhook"]', None)]


def test_a_desk_that_is_reached_by_another_way_is_called_alone(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    desk(sheriff, "night", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert (called_by(escalation), recorded(escalation)) == ([("supervisor", "email")], [('["email"]', None)])


def test_where_there_is_one_way_alone_it_is_used_again_and_that_is_on_record(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    subscribe(sheriff)
    subscribe(sheriff, desk="supervisor", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert (called_by(escalation), recorded(escalation)) == ([("supervisor", "webhook")], [('["webhook"]', "true")])


def test_an_issuer_that_had_its_own_event_by_webhook_is_called_by_mail_as_well(
    escalation: Escalation, police: Desk
) -> None:
    subscribe(police, desk="night", filter={"own": True})
    subscribe(police, filter=NOT_AT_FIRST)
    desk(police, "command", filter=NOT_AT_FIRST)
    escalation.alert(police)

    escalation.wait(11)

    assert called_by(escalation) == [("command", "email"), ("duty", "webhook")]
