"""What mails say, in both languages: of an event its kind and never its content. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, Text] = {
    "alert.missing_child.issued": Text("missing-child alert", "alerta de menor desaparecido"),
    "alert.missing_child.updated": Text("missing-child alert, updated", "alerta de menor desaparecido, actualizada"),
    "alert.missing_child.cancelled": Text("missing-child alert, cancelled", "alerta de menor desaparecido, cancelada"),
    "alert.missing_child.located": Text("missing child located", "menor desaparecido localizado"),
    "alert.warning.issued": Text("warning", "aviso"),
    "alert.warning.updated": Text("warning, updated", "aviso, actualizado"),
    "alert.warning.cancelled": Text("warning, cancelled", "aviso, cancelado"),
    "case.trafficking.opened": Text("trafficking case, opened", "caso de trata de personas, abierto"),
    "case.trafficking.updated": Text("trafficking case, updated", "caso de trata de personas, actualizado"),
    "case.trafficking.closed": Text("trafficking case, closed", "caso de trata de personas, cerrado"),
    "ack.received": Text("answer to an event: received", "respuesta a un evento: recibido"),
    "ack.read": Text("answer to an event: read", "respuesta a un evento: leído"),
    "ack.acknowledged": Text("answer to an event: acknowledged", "respuesta a un evento: confirmado"),
    "ack.declined": Text("answer to an event: declined", "respuesta a un evento: rechazado"),
    "note.sighting": Text("sighting for an event", "avistamiento para un evento"),
    "note.question": Text("question about an event", "pregunta sobre un evento"),
    "note.answer": Text("answer to a question", "respuesta a una pregunta"),
    "control.recalled": Text("event taken back", "evento retirado"),
    "control.label_changed": Text("event with a tighter label", "evento con una etiqueta más estricta"),
}
SOMETHING = Text("event", "evento")
URGENT = Text("URGENT: {what}", "URGENTE: {what}")
AGAIN = Text("NOT ACKNOWLEDGED YET: {what}", "AÚN SIN CONFIRMAR: {what}")
DUE = Text("Acknowledge:   by {by}\n", "Confirmar:    antes de {by}\n")
DUE_IN_LIST = Text("\n  acknowledge by {by}", "\n  confirmar antes de {by}")
EVENTS = Text("{count} events", "{count} eventos")

# What is not actual says so first, in the subject and above everything else.
MARKS: Mapping[str, Text] = {
    "exercise": Text("*** EXERCISE ***", "*** SIMULACRO ***"),
    "test": Text("*** TEST ***", "*** PRUEBA ***"),
}
LOUD: Mapping[str, Text] = {
    "exercise": Text(
        "*** THIS IS AN EXERCISE: NOTHING IN IT IS REAL ***", "*** ESTO ES UN SIMULACRO: NADA ES REAL ***"
    ),
    "test": Text("*** THIS IS A TEST: NOTHING IN IT IS REAL ***", "*** ESTO ES UNA PRUEBA: NADA ES REAL ***"),
}

EVENT = Text(
    """\
{what}

When:          {at}
Event:         {link}
Subscription:  {name}, no. {seq}
{due}
This mail says only that there is something. What it is shows at the link, to who may read it and has a token.
Tell its sender that you have it: puente ack {event} acknowledged

No more of these mails: {unsubscribe}
""",
    """\
{what}

Cuándo:       {at}
Evento:       {link}
Suscripción:  {name}, no. {seq}
{due}
Este correo dice solo que hay algo. Qué es se ve en el enlace, con un token y si puede leerlo.
Avise a quien lo envió que ya lo tiene: puente ack {event} acknowledged

Para no recibir más correos como este: {unsubscribe}
""",
)

DIGEST = Text(
    """\
{count} events for the subscription {name}, no. {first} to {last}:

{kinds}

{events}

This mail says only that there is something. What it is shows at the links, to who may read it and has a token.

No more of these mails: {unsubscribe}
""",
    """\
{count} eventos para la suscripción {name}, no. {first} a {last}:

{kinds}

{events}

Este correo dice solo que hay algo. Qué es se ve en los enlaces, con un token y si puede leerlo.

Para no recibir más correos como este: {unsubscribe}
""",
)

CONFIRM_SUBJECT = Text("Confirm that alerts may come here", "Confirme que los avisos pueden llegar aquí")
CONFIRM = Text(
    """\
The agency {agency} wants to be told of alerts at this address, by its subscription {name}.

If that is right, open this page within seven days and press its button:
{confirm}

If it is not, do nothing, or end it now:
{unsubscribe}
""",
    """\
La agencia {agency} quiere recibir en esta dirección los avisos de su suscripción {name}.

Si es correcto, abra esta página antes de siete días y pulse su botón:
{confirm}

Si no lo es, no haga nada, o termínela ahora:
{unsubscribe}
""",
)

WELL_SUBJECT = Text("The subscription works", "La suscripción funciona")
WELL = Text(
    """\
All is well with the subscription {name} of the agency {agency}. It was told {told} events until now; who has seen fewer
of them should look for the others.

No more of these mails: {unsubscribe}
""",
    """\
Todo está bien con la suscripción {name} de la agencia {agency}. Hasta ahora se le avisó de {told} eventos; si vio
menos, busque los demás.

Para no recibir más correos como este: {unsubscribe}
""",
)

NOTICE_SUBJECT = Text("Something about your agency's subscriptions", "Algo sobre las suscripciones de su agencia")
NOTICE = Text(
    """\
{said}

More of it: puente subscribe list

No more of these mails: {unsubscribe}
""",
    """\
{said}

Más detalles: puente subscribe list

Para no recibir más correos como este: {unsubscribe}
""",
)
DISABLED = Text(
    "The subscription {of} of your agency was disabled and is told nothing any more: {why}.",
    "La suscripción {of} de su agencia fue deshabilitada y ya no recibe avisos: {why}.",
)
REASONS: Mapping[str, Text] = {
    "gone": Text("its receiver is gone", "su receptor ya no existe"),
    "failing": Text("nothing has arrived there for long", "hace mucho que nada llega ahí"),
    "unsubscribed": Text("who got the mails has ended them", "quien recibía los correos los terminó"),
    "asked": Text("your agency asked for it", "su agencia lo pidió"),
    "unproven": Text("its address was not proven", "su dirección no se comprobó"),
}
SILENT = Text(
    "{who} has not acknowledged your agency's event {event} in time.",
    "{who} no ha confirmado a tiempo el evento {event} de su agencia.",
)
SEVERAL = Text("More than one agency", "Más de una agencia")
OTHER = Text("Something needs to be looked at: {about}", "Hay algo que revisar: {about}")
