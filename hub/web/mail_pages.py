"""
The pages that mails link to: one button each, in both languages, without scripts; the link is all that a reader has.

GET changes nothing, since mail scanners and previews follow every link. POST acts: for the button, and for mail
programs that unsubscribe by themselves (RFC 8058).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request
from flask_smorest import Blueprint

from hub import mail_answers
from hub.mail_links import CONFIRM, UNSUBSCRIBE
from hub.store import administration
from hub.web.hub import current_hub
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.mail_links import Addressee

bp = Blueprint("mail_pages", __name__, url_prefix="/subscriptions", description="Where mails link to")

QUESTIONS = {
    CONFIRM: Text("Do you want alerts of Puente at your address?", "¿Quiere avisos de Puente en su dirección?"),
    UNSUBSCRIBE: Text("Do you want no more of these mails?", "¿Ya no quiere recibir estos correos?"),
}
BUTTONS = {
    CONFIRM: Text("Yes, send them here", "Sí, envíenlos aquí"),
    UNSUBSCRIBE: Text("No more of these mails", "Ya no quiero estos correos"),
}
DONE = {
    CONFIRM: Text("Alerts come to your address from now on.", "Desde ahora los avisos llegan a su dirección."),
    UNSUBSCRIBE: Text("No more of these mails come to you.", "Ya no recibirá estos correos."),
}
NOT_GOOD = Text(
    "This link is not good, or no longer. Ask whoever runs the subscription for another one.",
    "Este enlace no sirve, o ya no. Pida otro a quien administra la suscripción.",
)

_POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Puente</title>
</head>
<body>
<main>
<h1>Puente</h1>
<p>{en}</p>
<p lang="es">{es}</p>
{form}</main>
</body>
</html>
"""
# The button says what mail programs say by themselves; without an action a form goes to its page's own address.
_FORM = """<form method="post">
<button name="List-Unsubscribe" value="One-Click">{en} / <span lang="es">{es}</span></button>
</form>
"""


@bp.get("/confirm")
@bp.doc(security=[])
@bp.response(200, content_type="text/html")
def ask_to_confirm() -> Response:
    """A page with a button; nothing is changed by looking at it."""
    return _ask(CONFIRM)


@bp.post("/confirm")
@bp.doc(security=[])
@bp.response(200, content_type="text/html")
def confirm() -> Response:
    """The address is the reader's own, and its subscription begins."""
    addressee = _addressee(CONFIRM)
    return _answer(CONFIRM, addressee is not None and _confirm(addressee))


@bp.get("/unsubscribe")
@bp.doc(security=[])
@bp.response(200, content_type="text/html")
def ask_to_unsubscribe() -> Response:
    """A page with a button; nothing is changed by looking at it."""
    return _ask(UNSUBSCRIBE)


@bp.post("/unsubscribe")
@bp.doc(security=[])
@bp.response(200, content_type="text/html")
def unsubscribe() -> Response:
    """End the mails at once (RFC 8058); what the body says does not matter."""
    addressee = _addressee(UNSUBSCRIBE)
    return _answer(UNSUBSCRIBE, addressee is not None and _unsubscribe(addressee))


def _confirm(addressee: Addressee) -> bool:
    hub = current_hub()
    with administration(hub.pool, "") as conn:
        return mail_answers.confirm(conn, hub.node, addressee)


def _unsubscribe(addressee: Addressee) -> bool:
    hub = current_hub()
    with administration(hub.pool, "") as conn:
        return mail_answers.unsubscribe(conn, hub.node, addressee, hub.now())


def _addressee(purpose: str) -> Addressee | None:
    """
    Whom the request's link was sent to.

    Raises:
        TooMany: from this client address; guessing is hopeless, and is not to keep others waiting.
    """
    hub = current_hub()
    hub.rates.spend("token", f"mail {request.remote_addr}")
    return None if hub.mail is None else hub.mail.open(request.args.get("token", ""), purpose, hub.now())


def _ask(purpose: str) -> Response:
    if _addressee(purpose) is None:
        return _page(NOT_GOOD, status=404)
    return _page(QUESTIONS[purpose], form=_FORM.format(en=BUTTONS[purpose], es=BUTTONS[purpose].es))


def _answer(purpose: str, is_done: bool) -> Response:
    return _page(DONE[purpose]) if is_done else _page(NOT_GOOD, status=404)


def _page(text: Text, *, form: str = "", status: int = 200) -> Response:
    html = _PAGE.format(en=text, es=text.es, form=form)
    headers = {"Content-Security-Policy": _POLICY}
    return Response(html, status, content_type="text/html; charset=utf-8", headers=headers)
