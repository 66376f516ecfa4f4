"""A peer whose key was stolen: what it may not send is refused, each for its own reason, and the rest is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest

from hub.border.envelope import Kind, Sealed
from tests.integration.border.conftest import released
from tests.integration.border.test_sequence import forged
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair

Change = Callable[[dict[str, Any]], None]


def said(body: dict[str, Any], **members: Any) -> None:
    """Change a member in the envelope and in every text alike."""
    body.update(members)
    body["texts"] = {
        name: orjson.dumps(orjson.loads(text) | members, option=orjson.OPT_SORT_KEYS).decode()
        for name, text in body["texts"].items()
    }


LIES: dict[str, tuple[Change, str]] = {
    "an agency of this node as source": (lambda body: said(body, source=FISCALIA.id), "source-unknown"),
    "an agency that was never shown as source": (lambda body: said(body, source="us-tx-nobody"), "source-unknown"),
    "a place in the other country": (lambda body: body.update(jurisdictions=["MX-BCN:02004"]), "foreign-place"),
    "an event that is not released here": (lambda body: body.update(rel_to=["US"]), "not-released"),
    "a type that is not known": (lambda body: said(body, type="alert.unheard_of.issued"), "malformed"),
    "a member too many": (lambda body: body.update(extra=1), "malformed"),
    "a member too few": (lambda body: body.pop("tlp"), "malformed"),
    "a text that is no JSON": (lambda body: body["texts"].update(notice="{"), "malformed"),
    "no notice": (lambda body: body["texts"].pop("notice"), "malformed"),
    "a text for the owner": (lambda body: body["texts"].update(full="{}"), "malformed"),
    "a text of another source": (lambda body: body.update(source=POLICE.id, id="other"), "inconsistent"),
    "a laxer label than the text has": (lambda body: body.update(tlp="clear"), "inconsistent"),
    "a place that does not exist": (lambda body: body.update(jurisdictions=["US-ZZ"]), "malformed"),
}


def lied(sealed: Sealed, change: Change) -> Sealed:
    """The same envelope with something else in it."""
    body = orjson.loads(sealed.body)
    change(body)
    return forged(sealed, text=orjson.dumps(body).decode())


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_for_its_own_reason(met: Pair, lie: str) -> None:
    """Given a peer that signs a lie, when it comes, then the receipt says which, and nothing of it is stored."""
    change, code = LIES[lie]
    met.us.publish(released())
    met.us.makes()
    (sealed,) = met.us.batch()
    receipt = met.mx.takes(met.us.stream(), [lied(sealed, change)])
    assert ([outcome for _, outcome in receipt.outcomes], met.mx.rows("SELECT 1 FROM event")) == (
        [f"refused:{code}"],
        [],
    )


def test_what_comes_after_a_lie_is_taken(met: Pair) -> None:
    """Given a refused envelope, when a good one follows in the same batch, then it is stored."""
    for minute in range(2):
        met.us.publish(released(minutes=minute))
    met.us.makes()
    first, second = met.us.batch()
    bad = forged(first, text="[]")
    met.mx.takes(met.us.stream(), [bad, forged(second, previous=bad.head.digest)])
    assert len(met.mx.feed(FISCALIA)) == 1


def test_an_id_of_an_event_here_is_not_taken_over(met: Pair) -> None:
    """Given an event of this node, when the peer sends another under its id, then it is refused and ours stays."""
    own = met.mx.publish(
        released(source=FISCALIA.id, jurisdictions=["MX-BCN:02004"], label={"tlp": "amber", "rel_to": ["MX"]})
    )
    met.us.publish(released())
    met.us.makes()
    (sealed,) = met.us.batch()
    receipt = met.mx.takes(met.us.stream(), [lied(sealed, lambda body: body.update(event=str(own)))])
    assert [outcome for _, outcome in receipt.outcomes] == ["refused:id-taken"]


RULES: dict[str, tuple[Kind, dict[str, Any]]] = {
    "an agency of this node": (
        Kind.DIRECTORY,
        {
            "version": 1,
            "gone": [],
            "shown": [
                {
                    "id": FISCALIA.id,
                    "name": "ours",
                    "kind": "ngo",
                    "country": "MX",
                    "jurisdictions": ["MX"],
                    "standing": "active",
                }
            ],
        },
    ),
    "a grant without an end": (Kind.GRANT, {"id": "us-endless", "standing": [{"version": 1}]}),
    "limits of no form": (Kind.LIMITS, {"ceiling": []}),
    "an anchor of nobody": (Kind.KEYS, {"anchor": "x.y.z"}),
    "a recall of an event of ours": (Kind.RECALL, {"event": str(uuid4()), "control": str(uuid4())}),
    "reads by an agency of this node": (
        Kind.READS,
        {
            "reads": [
                {
                    "event": str(uuid4()),
                    "agency": FISCALIA.id,
                    "at": "2026-05-04T13:30:00Z",
                    "projection": "full",
                    "grant": "",
                    "way": "feed",
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_not_its_to_make_is_refused(met: Pair, rule: str) -> None:
    """Given a peer that signs a rule about others, when it comes, then it is refused and nothing has changed."""
    kind, body = RULES[rule]
    before = met.mx.rows("SELECT id, name, kind, peer FROM agency ORDER BY id")
    met.us.publish(released())
    met.us.makes()
    (sealed,) = met.us.batch()
    receipt = met.mx.takes(met.us.stream(), [forged(sealed, kind=kind, text=orjson.dumps(body).decode())])
    after = met.mx.rows("SELECT id, name, kind, peer FROM agency ORDER BY id")
    assert ([outcome.partition(":")[0] for _, outcome in receipt.outcomes], after) == (["refused"], before)


def test_an_answer_to_nothing_that_was_sent_is_refused(met: Pair) -> None:
    """Given no event of ours over there, when an acknowledgement of one comes, then it is refused."""
    met.us.publish(released())
    met.us.makes()
    (sealed,) = met.us.batch()

    def answer(body: dict[str, Any]) -> None:
        said(body, type="ack.acknowledged")
        body["audience"] = [FISCALIA.id]
        body["texts"] = {"notice": body["texts"]["notice"]}

    receipt = met.mx.takes(met.us.stream(), [lied(sealed, answer)])
    assert [outcome for _, outcome in receipt.outcomes] == ["refused:answers-nothing"]
