"""Mails: pointers, digests, and what a subscription is told about itself. Pure.

Plain text in both languages, the subscription's own first. Of an event a mail holds its kind, its status and whether it
is urgent; what the event says has no place here, so nothing personal can leave by mail.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub import mail_words as words
from hub.subscribing import State
from schemas.fields import printable
from schemas.registry import closes
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from hub.errands import Errand, Pointer
    from hub.mail_links import MailLinks
    from hub.subscribing import Subscription

LANGUAGES = ("en", "es")
BETWEEN = f"\n{'-' * 60}\n\n"
_UNFOLDED = frozenset({"list-unsubscribe", "list-id", "message-id", "references", "in-reply-to"})


class _Policy(EmailPolicy):
    """RFC 5322 allows lines of 998 characters; a link or an id that is folded by encoding it (RFC 2047) is none."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """A header as it is sent."""
        if name.lower() in _UNFOLDED:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


POLICY = _Policy(linesep=SMTP.linesep, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Whom mails of this node are from, with the domain of that address, and the links in them."""

    sender: str
    domain: str
    links: MailLinks


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it is handed to the relay."""

    to: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Said:
    subject: str
    text: Text
    is_urgent: bool = False
    thread: str | None = None


def compose(head: Letterhead, errands: Sequence[Errand], at: datetime) -> Mail:
    """
    One mail for errands of one subscription and one kind, in order of their numbers; the same errands, the same mail.

    `at` is when it is sent.
    """
    one, kind = errands[0].subscription, errands[0].claim.kind
    events = [(each, pointer) for each in errands if (pointer := each.pointer) is not None]
    if events:
        said = _of_event(head, *events[0]) if len(events) == 1 else _of_events(head, events)
    elif kind == "notice":
        said = _notice(head, errands)
    elif kind == "verification" and one.state is State.PENDING:
        said = _proof(head, errands[0])
    else:
        said = _well(head, errands[0])
    links = head.links
    message = EmailMessage(policy=POLICY)
    message["From"] = head.sender
    message["To"] = one.address
    message["Subject"] = f"[Puente] {said.subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{links.tag(one.id, *(each.claim.no for each in errands))}@{head.domain}>"
    if said.thread is not None:
        message["References"] = message["In-Reply-To"] = f"<{said.thread}@{head.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message["List-Id"] = f"<{one.id}.{head.domain}>"
    message["List-Unsubscribe"] = f"<{links.unsubscribe(one)}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    if said.is_urgent:
        message["Importance"] = "high"
    message.set_content(BETWEEN.join(_both(said.text, one)), charset="utf-8", cte="quoted-printable")
    return Mail(one.address, message.as_bytes())


def _both(text: Text, one: Subscription) -> list[str]:
    """The subscription's language first."""
    return [text.in_(language) for language in sorted(LANGUAGES, key=lambda language: language != one.language)]


def _line(text: Text, one: Subscription) -> str:
    return " / ".join(_both(text, one))


def _common(head: Letterhead, one: Subscription) -> dict[str, str]:
    name = " ".join(printable(one.name).split())
    return {"name": f'"{name}"', "agency": one.agency, "unsubscribe": head.links.unsubscribe(one)}


def _what(errand: Errand) -> Text:
    seen = errand.seen
    kind = words.KINDS.get("" if seen is None else seen.type, words.SOMETHING)
    if (errand.claim.about or "").startswith("escalation:"):
        kind = words.AGAIN.format(what=kind)
    return words.URGENT.format(what=kind) if _is_urgent(errand) else kind


def _is_urgent(errand: Errand) -> bool:
    """That something has ended is told at once, and yet asks nobody to hurry."""
    return errand.claim.is_urgent and errand.seen is not None and not closes(errand.seen.type)


def _marked(subject: str, text: Text, errand: Errand) -> tuple[str, Text]:
    status = "actual" if errand.seen is None else errand.seen.status
    if status == "actual":
        return subject, text
    loud = _wordless("{loud}\n\n{text}", loud=words.LOUD[status], text=text)
    return f"{_line(words.MARKS[status], errand.subscription)} {subject}", loud


def _when(at: datetime, zone: str = "UTC") -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def _due(errand: Errand, form: Text) -> Text:
    """Until when to acknowledge it, by the clock of who has said which one is theirs; nothing where nobody waits."""
    quiet = errand.subscription.quiet
    if errand.required_by is None:
        return _wordless("")
    return form.format(by=_when(errand.required_by, "UTC" if quiet is None else quiet.zone))


def _of_event(head: Letterhead, errand: Errand, pointer: Pointer) -> _Said:
    one, seen = errand.subscription, pointer.seen
    text = words.EVENT.format(
        what=_what(errand),
        at=_when(errand.claim.made_at),
        link=head.links.event(pointer.event),
        due=_due(errand, words.DUE),
        event=pointer.event,
        seq=pointer.seq,
        **_common(head, one),
    )
    subject, text = _marked(f"{_line(_what(errand), one)} (no. {pointer.seq})", text, errand)
    # What belongs to one alert stands together; which one it is, the name of it tells nobody.
    thread = head.links.tag("thread", one.id, seen.source, seen.subject)
    return _Said(subject, text, is_urgent=_is_urgent(errand) and seen.status == "actual", thread=thread)


def _of_events(head: Letterhead, events: Sequence[tuple[Errand, Pointer]]) -> _Said:
    errands = [errand for errand, _ in events]
    one = errands[0].subscription
    first, last = events[0][1].seq, events[-1][1].seq
    kinds, listed = _joined(_counted(errands)), _joined(_listed(head, events))
    text = words.DIGEST.format(
        count=len(errands), first=first, last=last, kinds=kinds, events=listed, **_common(head, one)
    )
    counted = words.EVENTS.format(count=len(errands))
    is_urgent = any(map(_is_urgent, errands))
    counted = words.URGENT.format(what=counted) if is_urgent else counted
    subject, text = _marked(f"{_line(counted, one)} (no. {first}-{last})", text, errands[0])
    return _Said(subject, text, is_urgent=is_urgent and one.filter.status == "actual")


def _counted(errands: Sequence[Errand]) -> Iterator[Text]:
    for what, count in Counter(map(_what, errands)).most_common():
        yield _wordless("  {count} x {what}", count=count, what=what)


def _listed(head: Letterhead, events: Sequence[tuple[Errand, Pointer]]) -> Iterator[Text]:
    for errand, pointer in events:
        yield _wordless(
            "no. {seq}  {at}  {what}\n  {link}{due}",
            seq=pointer.seq,
            at=_when(errand.claim.made_at),
            what=_what(errand),
            link=head.links.event(pointer.event),
            due=_due(errand, words.DUE_IN_LIST),
        )


def _wordless(form: str, **told: object) -> Text:
    """What reads alike in both languages, but for what is filled in."""
    return Text(form, form).format(**told)


def _joined(lines: Iterator[Text]) -> Text:
    held = list(lines)
    return Text("\n".join(held), "\n".join(line.es for line in held))


def _proof(head: Letterhead, errand: Errand) -> _Said:
    one = errand.subscription
    confirm = head.links.confirm(one, errand.claim.made_at)
    return _Said(_line(words.CONFIRM_SUBJECT, one), words.CONFIRM.format(confirm=confirm, **_common(head, one)))


def _well(head: Letterhead, errand: Errand) -> _Said:
    one = errand.subscription
    text = words.WELL.format(told=errand.claim.told, **_common(head, one))
    return _Said(_line(words.WELL_SUBJECT, one), text)


def _notice(head: Letterhead, errands: Sequence[Errand]) -> _Said:
    one = errands[0].subscription
    said = _joined(_noticed(each.claim.about or "") for each in errands)
    return _Said(_line(words.NOTICE_SUBJECT, one), words.NOTICE.format(said=said, **_common(head, one)))


def _noticed(about: str) -> Text:
    """`about` is a code and ids, with colons between."""
    code, *of = about.split(":")
    if code == "disabled" and len(of) == 2:
        return words.DISABLED.format(of=of[0], why=words.REASONS.get(of[1], of[1]))
    if code == "unacknowledged" and len(of) in (1, 2):
        return words.SILENT.format(event=of[0], who=of[1] if len(of) == 2 else words.SEVERAL)
    return words.OTHER.format(about=printable(about))
