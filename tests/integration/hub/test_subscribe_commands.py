"""`puente subscribe`, typed by somebody at an agency: from the first look at a filter to the end of a subscription."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from connectors.admin.subscriptions import subscribe
from hub.store import subscriptions
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Node, missing_child
from tests.support.subscribing import URL, Dispatch
from tests.support.terminal import Terminal, served

US = SHELTER.id


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """SHELTER's, which may read the alerts of POLICE."""
    with served(node) as url:
        yield Terminal(tmp_path, url)


def made(terminal: Terminal, *words: str) -> dict[str, Any]:
    """What `add` says for programs."""
    found: dict[str, Any] = json.loads(terminal.does(subscribe, "add", *words, "--json", who=US))
    return found


def shown(terminal: Terminal, subscription: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(terminal.does(subscribe, "show", subscription, "--json", who=US))
    return found


def prove(node: Node, subscription: str) -> None:
    with node.database() as conn:
        subscriptions.prove(conn, UUID(subscription))


def publish(node: Node, **differs: Any) -> str:
    hub_id = node.desk(POLICE).publish(missing_child(**differs))
    node.sequence()
    return hub_id


def test_a_webhook_shows_its_id_and_its_secret_once(terminal: Terminal) -> None:
    told = terminal.does(subscribe, "add", "--name", "duty", "--webhook", URL, who=US)

    first, secret, public = told.splitlines()
    assert str(UUID(first)) == first
    assert secret.startswith("secret, shown this once: whsec_")
    assert public.startswith("public key: whpk_")
    assert "whsec_" not in terminal.does(subscribe, "show", first, who=US)


def test_every_option_arrives(terminal: Terminal) -> None:
    one = made(
        terminal,
        *("--name", "digest", "--email", "duty@shelter.example", "--type", "alert.*", "--type", "case.*"),
        *("--jurisdiction", "US-CA", "--subject", "s", "--severity", "Severe", "--urgency", "Expected"),
        *("--change", "new", "--change", "located", "--status", "exercise", "--own"),
        *("--quiet", "22:00-06:00", "--zone", "America/Tijuana", "--desk", "night", "--language", "es"),
        *("--digest", "08:00"),
    )

    assert one["filter"] == {
        "types": ["alert.*", "case.*"],
        "jurisdictions": ["US-CA"],
        "subject": "s",
        "severity": "Severe",
        "urgency": "Expected",
        "changes": ["located", "new"],
        "status": "exercise",
        "own": True,
    }
    assert one["quiet"] == {"from": "22:00", "until": "06:00", "zone": "America/Tijuana"}
    assert {name: one[name] for name in ("name", "channel", "address", "desk", "language", "digest_at")} == {
        "name": "digest",
        "channel": "email",
        "address": "duty@shelter.example",
        "desk": "night",
        "language": "es",
        "digest_at": "08:00",
    }


def test_a_topic_of_its_own_needs_no_address_and_no_proof(terminal: Terminal) -> None:
    one = made(terminal, "--kafka")

    assert (one["channel"], one["name"], one["state"]) == ("kafka", "kafka", "enabled")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--kafka", "--webhook", URL),
        ("--webhook", URL, "--email", "a@b.example"),
        ("--webhook", URL, "--quiet", "22:00-06:00"),
        ("--webhook", URL, "--zone", "UTC"),
        ("--webhook", URL, "--quiet", "at night", "--zone", "UTC"),
        ("--webhook", URL, "--change", "gone"),
        ("--webhook", URL, "--severity", "Unknown"),
    ],
)
def test_what_contradicts_itself_is_refused_here(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run(subscribe, "add", *words, who=US).exit_code == 2


def test_what_the_gateway_refuses_is_told_with_its_place(terminal: Terminal) -> None:
    done = terminal.run(subscribe, "add", "--webhook", "https://10.0.0.1/", who=US)

    assert done.exit_code == 1
    assert "/address" in done.output


def test_an_amendment_keeps_what_is_not_said(terminal: Terminal) -> None:
    one = made(terminal, "--webhook", URL, "--type", "alert.*", "--quiet", "22:00-06:00", "--zone", "UTC")

    terminal.does(subscribe, "amend", one["id"], "--name", "other", "--urgency", "Immediate", who=US)

    after = shown(terminal, one["id"])
    assert after["filter"] == one["filter"] | {"urgency": "Immediate"}
    assert (after["name"], after["quiet"], after["address"]) == ("other", one["quiet"], URL)


def test_paused_resumed_disabled_and_removed(node: Node, terminal: Terminal) -> None:
    one = made(terminal, "--webhook", URL)["id"]
    prove(node, one)
    told = [terminal.does(subscribe, verb, one, who=US).strip() for verb in ("pause", "resume", "disable", "remove")]

    assert told == [f"{one}: paused (asked)", f"{one}: enabled", f"{one}: disabled (asked)", f"{one}: removed"]
    assert terminal.run(subscribe, "show", one, who=US).exit_code == 1


def test_what_came_meanwhile_is_recovered_and_listed(node: Node, terminal: Terminal) -> None:
    one = made(terminal, "--webhook", URL)["id"]
    prove(node, one)
    hub_id = publish(node)

    told = terminal.does(subscribe, "recover", one, "--since", "2020-01-01", who=US)

    lines = terminal.does(subscribe, "deliveries", one, "--json", who=US).splitlines()
    table = terminal.does(subscribe, "deliveries", one, "--last", "1", who=US)
    assert told == "1 queued\n"
    assert [(row["kind"], row["event"]) for row in map(json.loads, lines)] == [
        ("event", hub_id),
        ("verification", None),
    ]
    assert "verification" not in table


def test_verify_sends_something_now(node: Node, terminal: Terminal) -> None:
    one = made(terminal, "--webhook", URL)["id"]

    told = terminal.does(subscribe, "verify", one, who=US)

    assert told == f"{one}: pending (unproven)\n"
    assert [errand.claim.kind for errand in Dispatch(node).take()] == ["verification", "verification"]


def test_rotate_shows_another_secret(terminal: Terminal) -> None:
    one = made(terminal, "--webhook", URL)

    told = json.loads(terminal.does(subscribe, "rotate", one["id"], "--json", who=US))

    assert told["secret"] != one["secret"]


def test_a_preview_shows_what_a_filter_would_have_told(node: Node, terminal: Terminal) -> None:
    wanted = publish(node, subject="s")
    publish(node)

    lines = terminal.does(subscribe, "preview", "--subject", "s", "--json", who=US).splitlines()
    table = terminal.does(subscribe, "preview", who=US)

    assert [json.loads(line)["id"] for line in lines] == [wanted]
    assert wanted[:8] in table


def test_the_list_is_the_agencys_own(terminal: Terminal) -> None:
    mine = made(terminal, "--webhook", URL)["id"]
    terminal.does(subscribe, "add", "--kafka", who=POLICE.id)

    lines = terminal.does(subscribe, "list", "--json", who=US).splitlines()

    assert [json.loads(line)["id"] for line in lines] == [mine]
    assert "pending" in terminal.does(subscribe, "list", who=US)
