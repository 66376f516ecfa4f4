"""The pages that mails link to: looking changes nothing, one press does, and what is no good always looks alike."""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from hub.mail_links import CONFIRM, UNSUBSCRIBE
from hub.settings import RateSettings
from hub.store import subscriptions
from tests.support.cast import SHELTER
from tests.support.mailing import Office, mailing, office, one_click
from tests.support.node import MAIL_URL, Desk, Node, missing_child
from tests.support.subscribing import Dispatch, shown, subscribe
from tests.support.waiting import until

DUTY = "duty.officer@shelter.example"


@pytest.fixture
def pending(shelter: Desk) -> UUID:
    return subscribe(shelter, proven=False, channel="email", address=DUTY)


@pytest.fixture
def proven(shelter: Desk) -> UUID:
    return subscribe(shelter, channel="email", address=DUTY)


def path(node: Node, purpose: str, subscription: UUID) -> str:
    """The link as it stands in a mail that is sent now."""
    assert node.hub.mail is not None
    with node.database() as conn:
        found = subscriptions.one(conn, subscription)
    assert found is not None
    links = {CONFIRM: node.hub.mail.confirm(found[0], node.clock()), UNSUBSCRIBE: node.hub.mail.unsubscribe(found[0])}
    return links[purpose].removeprefix(MAIL_URL)


def look(node: Node, at: str) -> TestResponse:
    return node.app.test_client().get(at)


def press(node: Node, at: str) -> TestResponse:
    return node.app.test_client().post(at, data={"List-Unsubscribe": "One-Click"})


def stands(desk: Desk, subscription: UUID) -> tuple[str, str | None]:
    held = shown(desk, subscription)
    return held["state"], held["reason"]


@pytest.mark.parametrize("purpose", [CONFIRM, UNSUBSCRIBE])
def test_to_look_changes_nothing(node: Node, shelter: Desk, pending: UUID, purpose: str) -> None:
    before = node.rows("SELECT s::text FROM subscription s"), node.rows("SELECT count(*) FROM audit")

    answer = look(node, path(node, purpose, pending))
    node.app.test_client().head(path(node, purpose, pending))

    assert answer.status_code == 200
    assert (node.rows("SELECT s::text FROM subscription s"), node.rows("SELECT count(*) FROM audit")) == before
    assert stands(shelter, pending) == ("pending", "unproven")


def test_one_press_confirms_and_is_on_record_and_another_one_changes_nothing(
    node: Node, shelter: Desk, pending: UUID
) -> None:
    link = path(node, CONFIRM, pending)

    answers = [press(node, link).status_code for _ in range(2)]

    assert (answers, stands(shelter, pending)) == ([200, 200], ("enabled", None))
    assert node.rows("SELECT detail::json->>'of' FROM audit WHERE action = 'subscription.prove'") == [(SHELTER.id,)]


@pytest.fixture
def post() -> Iterator[tuple[Office, Any]]:
    with office() as held:
        yield held


def test_a_mail_program_unsubscribes_with_one_click(
    node: Node, police: Desk, shelter: Desk, proven: UUID, post: tuple[Office, Any]
) -> None:
    there, told = post
    other = subscribe(shelter, channel="email", address="other@shelter.example", filter={"subject": "none"})
    police.publish(missing_child())
    node.sequence()
    Dispatch(node).queue()
    with mailing(node, told):
        until(lambda: there.to(DUTY))
        answer = one_click(node, there.to(DUTY)[0])
        until(lambda: there.to("other@shelter.example"))

    police.publish(missing_child())
    node.sequence()
    assert (answer.status_code, stands(shelter, proven)) == (200, ("disabled", "unsubscribed"))
    assert Dispatch(node).queue() == 0
    assert str(proven) in there.to("other@shelter.example")[0].text
    assert stands(shelter, other) == ("enabled", None)


def test_what_waits_is_mailed_no_more_after_that(node: Node, police: Desk, proven: UUID) -> None:
    police.publish(missing_child())
    node.sequence()
    Dispatch(node).queue()

    press(node, path(node, UNSUBSCRIBE, proven))

    assert node.rows("SELECT state FROM delivery") == [("withdrawn",)]


def test_who_was_asked_without_wanting_it_can_end_it(node: Node, shelter: Desk, pending: UUID) -> None:
    confirm = path(node, CONFIRM, pending)
    press(node, path(node, UNSUBSCRIBE, pending))

    answer = press(node, confirm)

    assert (answer.status_code, stands(shelter, pending)) == (404, ("disabled", "unsubscribed"))


def test_who_has_unsubscribed_is_asked_before_anything_else_is_mailed(node: Node, shelter: Desk, proven: UUID) -> None:
    press(node, path(node, UNSUBSCRIBE, proven))

    answer = shelter.post(f"/v1/subscriptions/{proven}/state", {"state": "enabled"})

    assert (answer.get_json()["state"], answer.get_json()["reason"]) == ("pending", "unproven")
    assert [one.claim.kind for one in Dispatch(node).take("email")] == ["verification"]


def test_what_was_never_proven_is_not_enabled_by_way_of_disabling_it(shelter: Desk, pending: UUID) -> None:
    for state in ("disabled", "enabled"):
        shelter.post(f"/v1/subscriptions/{pending}/state", {"state": state})

    assert stands(shelter, pending) == ("pending", "unproven")


ALPHABET = f"{string.ascii_letters}{string.digits}-_"


def no_good(node: Node, pending: UUID) -> dict[str, str]:
    """Links that do nothing, by why."""
    expired = path(node, CONFIRM, pending)
    node.clock.ahead = timedelta(days=7, seconds=1)
    removed = subscribe(node.desk(SHELTER), channel="email", address=DUTY)
    of_removed = path(node, CONFIRM, removed)
    with node.database() as conn:
        subscriptions.remove(conn, removed)
    good = path(node, CONFIRM, pending)
    return {
        "expired": expired,
        "removed": of_removed,
        "another purpose": good.replace("/confirm", "/unsubscribe"),
        **{f"changed to {last}": good[:-1] + last for last in ALPHABET if last != good[-1]},
        "none": "/subscriptions/confirm",
        "empty": "/subscriptions/confirm?token=",
        "long": f"/subscriptions/confirm?token={'A' * 5000}",
    }


def test_links_that_do_nothing_all_look_alike(node: Node, pending: UUID) -> None:
    answers = {why: press(node, link) for why, link in no_good(node, pending).items()}

    assert {why: one.status_code for why, one in answers.items()} == dict.fromkeys(answers, 404)
    assert len({one.data for one in answers.values()}) == 1
    assert len({tuple(sorted(name for name, _ in one.headers)) for one in answers.values()}) == 1


def test_a_link_to_an_earlier_address_does_nothing_to_the_present_one(node: Node, shelter: Desk, proven: UUID) -> None:
    link = path(node, UNSUBSCRIBE, proven)
    version = shown(shelter, proven)["version"]
    shelter.put(f"/v1/subscriptions/{proven}", {"name": "ours", "address": "new@shelter.example"}, version)

    answer = press(node, link)

    assert (answer.status_code, stands(shelter, proven)[0]) == (404, "pending")


def test_a_link_does_nothing_to_what_is_no_mail(node: Node, shelter: Desk) -> None:
    hook = subscribe(shelter)

    answer = press(node, path(node, UNSUBSCRIBE, hook))

    assert (answer.status_code, stands(shelter, hook)[0]) == (404, "enabled")


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_is_one_form_in_both_languages_and_loads_nothing(node: Node, pending: UUID) -> None:
    answer = look(node, path(node, UNSUBSCRIBE, pending))

    page = Page(answer)
    names = [tag for tag, _ in page.tags]
    assert (names.count("form"), names.count("button")) == (1, 1)
    assert set(names).isdisjoint({"script", "link", "img", "style", "iframe"})
    assert ("form", {"method": "post"}) in page.tags
    assert ("button", {"name": "List-Unsubscribe", "value": "One-Click"}) in page.tags
    assert "no more of these mails" in answer.text
    assert "Ya no quiero estos correos" in answer.text


def test_a_page_is_for_no_cache_no_frame_and_no_search_and_holds_nothing_of_anybody(node: Node, pending: UUID) -> None:
    answer = look(node, path(node, CONFIRM, pending))

    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert not any(told in answer.text for told in ("duty.officer", SHELTER.id, str(pending), "token="))


def test_pages_have_a_rate_of_their_own(open_node: Any) -> None:
    node = open_node(rates=RateSettings(**{"tokens_per_s": 0.1}))
    statuses = [look(node, "/subscriptions/confirm?token=x").status_code for _ in range(3)]

    assert (statuses, node.ask_token(SHELTER.id).status_code) == ([404, 429, 429], 200)


def test_where_no_mails_are_sent_nobody_subscribes_by_mail(open_node: Any) -> None:
    node = open_node(mail=None)

    answer = node.desk(SHELTER).post("/v1/subscriptions", {"name": "ours", "channel": "email", "address": DUTY})

    (flaw,) = answer.get_json()["errors"]
    assert (answer.status_code, flaw["path"], flaw["code"]) == (422, "/channel", "no-mails")
    assert look(node, "/subscriptions/confirm?token=x").status_code == 404


def test_no_link_is_in_the_audit_or_a_metric(node: Node, pending: UUID) -> None:
    link = path(node, CONFIRM, pending)
    press(node, link)

    token = link.partition("=")[2]
    assert token not in str(node.rows("SELECT a FROM audit a"))
