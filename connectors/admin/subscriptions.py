"""``puente subscribe``: what this agency is told of without asking, by which way and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin.asking import Moment, as_json, at, gateway
from connectors.admin.subscription_lookups import deliveries, list_, preview, print_one, show_
from connectors.admin.subscription_terms import terms, with_filter, with_terms
from connectors.agency_cli import with_profile
from connectors.spoken import say


@click.group(help=say("Be told without asking.", "Recibir avisos sin preguntar."))
def subscribe() -> None:
    """``puente subscribe``"""


@subscribe.command(
    help=say(
        """Subscribe, from now on: to webhooks, to mails, or to a topic of this agency's own in Kafka. What is sent to
        a new address first has to be answered; the secret of a webhook is shown this once.

        \b
        puente subscribe add --name "duty officer" --webhook https://cad.example.org/puente --type 'alert.*' \\
            --jurisdiction US-CA --as cvpd.toml
        puente subscribe add --name digest --email duty@shelter.example.org --digest 08:00 \\
            --quiet 22:00-06:00 --zone America/Tijuana --as shelter.toml
        puente subscribe add --name log --kafka --own --as cvpd.toml""",
        """Suscribe, desde ahora: a webhooks, a correos, o a un tema propio de la agencia en Kafka. Primero debe
        responderse lo que se envía a una dirección nueva; el secreto de un webhook se muestra solo esta vez.

        \b
        puente subscribe add --name guardia --webhook https://c5.example.mx/puente --type 'alert.*' \\
            --jurisdiction MX-BCN --language es --as fge.toml
        puente subscribe add --name resumen --email guardia@albergue.example.mx --digest 08:00 \\
            --quiet 22:00-06:00 --zone America/Tijuana --language es --as albergue.toml""",
    )
)
@with_terms
@click.option("--kafka", is_flag=True, help=say("The agency's own topic.", "El tema propio de la agencia."))
@with_filter
@with_profile
@as_json
def add(profile: Path, kafka: bool, as_json: bool, **told: Any) -> None:
    """``puente subscribe add``"""
    ways = {"webhook": told["webhook"], "email": told["email"], "kafka": kafka or None}
    chosen = [way for way, value in ways.items() if value is not None]
    if len(chosen) != 1:
        raise click.UsageError(say("one of --webhook, --email and --kafka", "una de --webhook, --email y --kafka"))
    body = {"name": chosen[0]} | terms(told) | {"channel": chosen[0]}
    with gateway(profile) as opened:
        made = opened.ask("POST", "/v1/subscriptions", body=body).body
    _print_made(made, as_json=as_json)


def _print_made(made: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    click.echo(made["id"])
    if "secret" in made:
        click.echo(say(f"secret, shown this once: {made['secret']}", f"secreto, solo esta vez: {made['secret']}"))
        click.echo(say(f"public key: {made['public_key']}", f"clave pública: {made['public_key']}"))
    if made["state"] == "pending":
        text = say("pending: its address has to answer first", "pendiente: antes debe responder su dirección")
        click.echo(text, err=True)


@subscribe.command(
    help=say(
        """Change a subscription: what is not said stays. Another address has to be proven anew.

        \b
        puente subscribe amend 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --urgency Immediate --as cvpd.toml""",
        """Cambia una suscripción: lo que no se indica no cambia. Otra dirección debe comprobarse de nuevo.

        \b
        puente subscribe amend 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --urgency Immediate --as fge.toml""",
    )
)
@click.argument("subscription")
@with_terms
@with_filter
@with_profile
@as_json
def amend(subscription: str, profile: Path, as_json: bool, **told: Any) -> None:
    """``puente subscribe amend``"""
    path = at("subscriptions", subscription)
    with gateway(profile) as opened:
        seen = opened.ask("GET", path)
        names = ("name", "address", "filter", "language", "desk", "quiet", "digest_at")
        body = terms(told, {name: seen.body[name] for name in names})
        done = opened.ask("PUT", path, body=body, version=seen.version)
    print_one(done.body, as_json=as_json)


def _state(name: str, state: str, about: str) -> None:
    def run(subscription: str, profile: Path, as_json: bool) -> None:
        with gateway(profile) as opened:
            done = opened.ask("POST", f"{at('subscriptions', subscription)}/state", body={"state": state})
        _outcome(done.body, as_json=as_json)

    subscribe.command(name, help=about)(click.argument("subscription")(with_profile(as_json(run))))


def _outcome(one: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(one, ensure_ascii=False))
        return
    why = f" ({one['reason']})" if one["reason"] else ""
    click.echo(f"{one['id']}: {one['state']}{why}")


_state(
    "pause",
    "paused",
    say(
        """Let what comes wait.

        \b
        puente subscribe pause 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Deja en espera lo que llegue.

        \b
        puente subscribe pause 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    ),
)
_state(
    "resume",
    "enabled",
    say(
        """Go on, with what has waited; what came while it was disabled is told after 'puente subscribe recover'.
        Who has unsubscribed is asked first.

        \b
        puente subscribe resume 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Continúa, con lo que esperaba; lo que llegó mientras estaba deshabilitada se avisa con
        'puente subscribe recover'. A quien canceló los correos se le pregunta antes.

        \b
        puente subscribe resume 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    ),
)
_state(
    "disable",
    "disabled",
    say(
        """Tell it nothing: what waits is dropped, and what comes is passed over.

        \b
        puente subscribe disable 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Ya no le avisa nada: lo que espera se descarta y lo que llegue se omite.

        \b
        puente subscribe disable 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    ),
)


@subscribe.command(
    help=say(
        """End a subscription with everything that waits.

        \b
        puente subscribe remove 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Termina una suscripción con todo lo que espera.

        \b
        puente subscribe remove 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    )
)
@click.argument("subscription")
@with_profile
def remove(subscription: str, profile: Path) -> None:
    """``puente subscribe remove``"""
    with gateway(profile) as opened:
        opened.ask("DELETE", at("subscriptions", subscription))
    click.echo(say(f"{subscription}: removed", f"{subscription}: eliminada"))


@subscribe.command(
    help=say(
        """Send something now: a pending address is asked once more, a proven one shows that it still hears.

        \b
        puente subscribe verify 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Envía algo ahora: a una dirección pendiente se le pregunta otra vez; una comprobada muestra que aún recibe.

        \b
        puente subscribe verify 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    )
)
@click.argument("subscription")
@with_profile
@as_json
def verify(subscription: str, profile: Path, as_json: bool) -> None:
    """``puente subscribe verify``"""
    with gateway(profile) as opened:
        done = opened.ask("POST", f"{at('subscriptions', subscription)}/verification", body={})
    _outcome(done.body, as_json=as_json)


@subscribe.command(
    help=say(
        """Make new signing secrets for a webhook, shown this once; for a day the present ones sign beside them.

        \b
        puente subscribe rotate 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as cvpd.toml""",
        """Crea secretos nuevos para firmar un webhook, que se muestran solo esta vez; por un día firman ambos.

        \b
        puente subscribe rotate 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --as fge.toml""",
    )
)
@click.argument("subscription")
@with_profile
@as_json
def rotate(subscription: str, profile: Path, as_json: bool) -> None:
    """``puente subscribe rotate``"""
    with gateway(profile) as opened:
        made = opened.ask("POST", f"{at('subscriptions', subscription)}/secret", body={}).body
    _print_made(made, as_json=as_json)


@subscribe.command(
    help=say(
        """Queue what came since a time and has not arrived, at most 500 events of it.

        \b
        puente subscribe recover 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --since 2026-05-04 --as cvpd.toml""",
        """Pone en la cola lo que llegó desde una hora y no se ha entregado, hasta 500 eventos.

        \b
        puente subscribe recover 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --since 2026-05-04 --as fge.toml""",
    )
)
@click.argument("subscription")
@click.option("--since", type=Moment(), required=True, help=say("From when on.", "Desde cuándo."))
@with_profile
@as_json
def recover(subscription: str, since: str, profile: Path, as_json: bool) -> None:
    """``puente subscribe recover``"""
    with gateway(profile) as opened:
        done = opened.ask("POST", f"{at('subscriptions', subscription)}/recovery", body={"since": since}).body
    if as_json:
        click.echo(json.dumps(done))
        return
    click.echo(say(f"{done['queued']} queued", f"{done['queued']} en la cola"))
    if done["more"]:
        click.echo(say("there is more: ask again once they are there", "hay más: pídalo de nuevo cuando lleguen"))


for each in (list_, show_, preview, deliveries):
    subscribe.add_command(each)
