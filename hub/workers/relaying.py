"""A session with the relay that takes this node's mails (RFC 5321); never in clear where TLS is asked for."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.mail_ends import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from hub.mail_settings import MailSettings
    from hub.mails import Mail

TIMEOUT_S = 10.0  # of each step; the relay is near
FRESH_S = 5.0  # a session that has done nothing for longer is asked whether it is still there
_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_CLOSING = 421  # RFC 5321 section 3.8: of the service, whatever was asked


class RelayAway(Exception):
    """The relay takes no mails from us now, whoever they are for; `code` says why, in no words of its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Relay:
    """One session at a time, opened when there is something to send and kept while there is more."""

    settings: MailSettings
    ca_file: Path | None
    _smtp: smtplib.SMTP | None = None
    _used_s: float = 0.0

    def ready(self) -> None:
        """
        A session that takes mails, the present one or a new one.

        Raises:
            RelayAway: there is none.
        """
        if self._smtp is not None and time.monotonic() - self._used_s > FRESH_S:
            try:
                if self._smtp.noop()[0] != 250:
                    self.close()
            except (OSError, smtplib.SMTPException):
                self.close()
        if self._smtp is None:
            try:
                self._smtp = self._opened()
            except (OSError, smtplib.SMTPException) as error:
                raise RelayAway(_code(error)) from error
        self._used_s = time.monotonic()

    def _opened(self) -> smtplib.SMTP:
        told = self.settings
        # By its own name: what the machine is called is nobody's business, and may take long to find out.
        if told.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                told.smtp_host, told.smtp_port, local_hostname=told.domain, timeout=TIMEOUT_S, context=self._trust()
            )
        else:
            smtp = smtplib.SMTP(told.smtp_host, told.smtp_port, local_hostname=told.domain, timeout=TIMEOUT_S)
        try:
            if told.security == "starttls":
                smtp.starttls(context=self._trust())
            if told.user:
                smtp.login(told.user, told.password)
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    def send(self, mail: Mail, sender: str) -> Reply:
        """
        Hand one mail over to the session that `ready` has found; `sender` is where bounces go.

        Raises:
            RelayAway: the trouble is not with this mail or who it is for.
        """
        if self._smtp is None:
            raise RelayAway("closed")
        try:
            self._smtp.sendmail(sender, [mail.to], mail.raw)
        except smtplib.SMTPRecipientsRefused as error:
            reply = _reply(*error.recipients[mail.to])
        except smtplib.SMTPDataError as error:
            reply = _reply(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise RelayAway(_code(error)) from error
        else:
            reply = Reply(250)
        if reply.code == _CLOSING:
            self.close()
            raise RelayAway("smtp-421")
        self._used_s = time.monotonic()
        return reply

    def close(self) -> None:
        """End the session, if there is one; no politeness that could take long."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def leave(self) -> None:
        """End it as RFC 5321 section 4.1.1.10 wants it, once there is nothing more to send."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._smtp = None


def _reply(code: int, text: bytes | str) -> Reply:
    found = _ENHANCED.match(text.encode("ascii", "replace") if isinstance(text, str) else text)
    return Reply(code, found[1].decode() if found else None)


def _code(error: Exception) -> str:
    """A slug; what the relay says may name whom we write to."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "no-starttls"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "login"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp-{error.smtp_code}"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "broken-off"
    return "unreachable" if isinstance(error, OSError) else "smtp"
