"""The composition root of what mails and of the links in them, beside `hub.main`."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from hub import keys, main
from hub.mail_links import MailLinks
from hub.mails import Letterhead
from hub.settings import SettingsError
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.settings import Settings

NO_RELAY = Text("mail.smtp_host is empty: no mails", "mail.smtp_host está vacío: no hay correos")


def run_mailer(told: Settings) -> None:
    """
    The mailer, until SIGTERM.

    Raises:
        SettingsError: no relay is configured.
    """
    from hub.workers import mailer
    from hub.workers.mail_budget import Budget
    from hub.workers.relaying import Relay

    mail = told.mail
    if not mail.smtp_host:
        raise SettingsError([NO_RELAY])
    links = MailLinks(keys.mail_key(told.state_dir), mail.public_url)
    ca_file = told.file(mail.ca_file) if mail.ca_file else None
    worker = mailer.Mailer(
        database_url=main.database_url(told),
        node=told.node.id,
        limits=main.limits(told),
        letterhead=Letterhead(mail.sender, mail.domain, links),
        envelope_sender=parseaddr(mail.sender)[1],
        relay=lambda: Relay(mail, ca_file),
        budget=Budget(mail.per_minute),
        sessions=mail.sessions,
        now=main.now,
    )
    mailer.run(worker, main.until_told())
