"""What people are told, in both languages: every reason the policy gives, word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.answering import may_answer
from hub.directory import Kind, Standing
from hub.grants import Grant, GrantState, Owner, Selector, Tlp
from hub.limits import Requirement
from hub.policy import Decision, Facts, may_publish, may_read
from hub.principal import Principal
from tests.support.cast import (
    DAY,
    FISCALIA,
    LIMITS,
    NOW,
    POLICE,
    SHELTER,
    STRANGER,
    agency,
    facts,
    grant,
    principal,
    rules,
)

OPERATOR = agency("us-operator", Kind.OPERATOR)
CLOSING = facts(type="alert.missing_child.located")
REQUIRED = replace(LIMITS, requirements=(Requirement(kind=Kind.NGO, types=("*",), attestation="nda", basis="a law"),))


def read(*held: Grant, event: Facts | None = None, who: Principal | None = None, received: bool = False) -> Decision:
    """What the policy says of reading."""
    asking = who or principal()
    return may_read(asking, event or facts(), rules(*held, enrolled=(asking.agency,)), NOW, has_received=received)


def publish(event: Facts | None = None, who: Principal | None = None) -> Decision:
    """What it says of publishing."""
    return may_publish(who or principal(POLICE), event or facts(), NOW)


def answer(who: Principal, event: Facts | None = None, *held: Grant) -> Decision:
    """What it says of answering."""
    return may_answer(who, "ack.read", event or facts(), read(*held, event=event, who=who))


# Asked when the test runs, not when it is read.
TOLD: list[tuple[Callable[[], Decision], str, str]] = [
    (lambda: read(grant()), "granted for locate-child", "permitido para locate-child"),
    (lambda: read(who=principal(POLICE)), "own event", "evento propio"),
    (
        lambda: read(event=CLOSING, received=True),
        "told that it closed: an earlier event was received",
        "se avisa el cierre: recibió un evento anterior",
    ),
    (lambda: read(event=facts(type="ack.read", audience=(SHELTER.id,))), "answers your event", "responde a su evento"),
    (
        lambda: read(who=principal(scopes=frozenset[str]())),
        "the token lacks events:read",
        "el token no incluye events:read",
    ),
    (
        lambda: read(who=principal(replace(SHELTER, standing=Standing.RETIRED))),
        "the agency is not active",
        "la agencia no está activa",
    ),
    (
        lambda: read(who=principal(jurisdictions=("MX",))),
        "outside the token's jurisdictions",
        "fuera de las jurisdicciones del token",
    ),
    (
        lambda: read(event=facts(source="us-nobody")),
        "the source is not enrolled here",
        "la fuente no está registrada aquí",
    ),
    (lambda: read(who=principal(FISCALIA)), "not released to this country", "no liberado para este país"),
    (
        lambda: read(event=facts(tlp=Tlp.RED)),
        "TLP:RED is for named agencies only",
        "TLP:RED es solo para agencias nombradas",
    ),
    (
        lambda: read(event=facts(audience=("school",))),
        "not in the audience of the label",
        "fuera de los destinatarios de la etiqueta",
    ),
    (
        lambda: read(who=principal(OPERATOR)),
        "hard limit: nothing for this kind of agency",
        "límite legal: nada para este tipo de agencia",
    ),
    (
        lambda: may_read(principal(), facts(), rules(grant(), limits=REQUIRED), NOW),
        "hard limit: needs a live attestation: nda",
        "límite legal: requiere una acreditación vigente: nda",
    ),
    (lambda: read(), "no grant covers it", "ningún permiso lo cubre"),
    (lambda: read(grant(source=Selector(agency=FISCALIA.id))), "covers another source", "cubre otra fuente"),
    (lambda: read(grant(types=("case.*",))), "does not cover this type", "no cubre este tipo"),
    (lambda: read(grant(jurisdictions=("US-TX",))), "covers other jurisdictions", "cubre otras jurisdicciones"),
    (lambda: read(grant(max_tlp=Tlp.CLEAR)), "covers up to TLP:CLEAR", "cubre hasta TLP:CLEAR"),
    (lambda: read(grant(valid_until=NOW)), "not in force at this time", "no vigente en este momento"),
    (
        lambda: read(grant(parties=())),
        "not both are parties of its agreement",
        "no ambas son parte de su convenio",
    ),
    (
        lambda: read(grant(without_readers=frozenset({SHELTER.id}))),
        "suspended or ended by one side",
        "suspendido o terminado por una de las partes",
    ),
    (
        lambda: read(grant(owners=(Owner(agency=POLICE.id, events_from=NOW, valid_until=NOW),))),
        "not confirmed in an access review",
        "no confirmado en una revisión de accesos",
    ),
    (lambda: read(grant(owners=())), "the source has not approved it", "la fuente no lo ha aprobado"),
    (
        lambda: read(grant(requires=("nda",))),
        "needs a live attestation: nda",
        "requiere una acreditación vigente: nda",
    ),
    (
        lambda: read(grant(purpose="rescue"), event=facts(purpose="locate-child")),
        "granted for another purpose",
        "permitido para otro fin",
    ),
    (
        lambda: read(grant(), who=principal(purpose="rescue")),
        "the token is for another purpose",
        "el token es para otro fin",
    ),
    (
        lambda: read(grant(owners=(Owner(agency=POLICE.id, events_from=NOW),)), event=facts(accepted_at=NOW - DAY)),
        "opens only later events",
        "solo abre eventos posteriores",
    ),
    (lambda: read(grant(state=GrantState.PROPOSED)), "waits for approval", "espera aprobación"),
    (lambda: read(grant(state=GrantState.SUSPENDED)), "suspended", "suspendido"),
    (lambda: read(grant(state=GrantState.REVOKED)), "revoked", "revocado"),
    (lambda: read(grant(state=GrantState.WITHDRAWN)), "withdrawn before approval", "retirado antes de aprobarse"),
    (
        lambda: read(grant(state=GrantState.SUPERSEDED)),
        "replaced by a later version",
        "reemplazado por una versión posterior",
    ),
    (lambda: publish(), "own event", "evento propio"),
    (
        lambda: publish(who=principal(POLICE, scopes=frozenset[str]())),
        "the token lacks events:publish",
        "el token no incluye events:publish",
    ),
    (
        lambda: publish(who=principal(replace(POLICE, standing=Standing.SUSPENDED))),
        "the agency is not active",
        "la agencia no está activa",
    ),
    (
        lambda: publish(facts(source=FISCALIA.id)),
        "source is not the publishing agency",
        "source no es la agencia que publica",
    ),
    (
        lambda: publish(facts(type="tip.web.sent")),
        "the agency does not publish this type",
        "la agencia no publica este tipo",
    ),
    (
        lambda: publish(facts(jurisdictions=("US-TX",))),
        "outside the agency's authorised area: US-TX",
        "fuera del área autorizada de la agencia: US-TX",
    ),
    (
        lambda: publish(who=principal(POLICE, jurisdictions=("MX",))),
        "outside the token's jurisdictions",
        "fuera de las jurisdicciones del token",
    ),
    (lambda: answer(principal(), None, grant()), "granted for locate-child", "permitido para locate-child"),
    (
        lambda: answer(principal(scopes=frozenset[str]())),
        "the token lacks acks:write",
        "el token no incluye acks:write",
    ),
    (lambda: answer(principal(STRANGER)), "no grant covers it", "ningún permiso lo cubre"),
    (
        lambda: answer(principal(POLICE)),
        "an agency does not answer its own event",
        "una agencia no responde a su propio evento",
    ),
    (
        lambda: answer(principal(), facts(type="ack.read", audience=(SHELTER.id,))),
        "an acknowledgement is not answered",
        "a una confirmación no se responde",
    ),
]


@pytest.mark.parametrize(("decide", "en", "es"), TOLD, ids=[en for _, en, _ in TOLD])
def test_the_reason_is_told_in_both_languages(decide: Callable[[], Decision], en: str, es: str) -> None:
    assert decide().reason.as_dict() == {"en": en, "es": es}


def test_of_grants_that_fail_alike_the_first_says_why() -> None:
    revoked, suspended = grant(id="a", state=GrantState.REVOKED), grant(id="b", state=GrantState.SUSPENDED)

    assert read(revoked, suspended).reason == "revoked"
    assert read(suspended, revoked).reason == "suspended"


@pytest.mark.parametrize("turn", [1, -1])
def test_the_tokens_purpose_comes_nearer_than_the_grants_and_the_events_age_nearest(turn: int) -> None:
    owned = (Owner(agency=POLICE.id, events_from=NOW),)
    event = facts(purpose="locate-child", accepted_at=NOW - DAY)
    asking = principal(purpose="locate-child")
    another, early = grant(id="a", purpose="rescue"), grant(id="b", owners=owned)
    held = (another, early)[::turn]

    assert read(*held, event=event, who=asking).reason == "opens only later events"
    narrow = principal(purpose="rescue")
    assert read(*(another, grant(id="c"))[::turn], event=event, who=narrow).reason == "the token is for another purpose"
    open_event = facts(accepted_at=NOW - DAY)
    by_token = (grant(id="d", owners=owned, purpose="rescue"), grant(id="e"))[::turn]
    assert read(*by_token, event=open_event, who=narrow).reason == "opens only later events"
