"""The CAP kind of source: a folder, one file, or a feed over HTTP, read into items."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from connectors.cap import document, feed, settings, times, xml
from connectors.cap.archive import Archive, Folder, Passing
from connectors.cap.feed import Entry
from connectors.cap.http import Fetcher, Unreachable
from connectors.cap.intake import Intake, Trust
from connectors.cap.memory import DONE, Memory
from connectors.cap.settings import SETTINGS
from connectors.cap.signature import Pinned
from connectors.config import Config, ConfigError
from connectors.source import Blank, Cursor, Item, Refusal, Source, SourceFailed
from schemas.flaws import Malformed, flaw
from schemas.texts import Text

__all__ = ["SETTINGS", "CapSource", "open_source"]

ORIGINALS = "originals"  # in the state folder

UNREADABLE = Text("It cannot be read ({why}).", "No se puede leer ({why}).", code="unreadable")
NO_LINK = Text(
    "The entry has neither an alert nor a link to one.",
    "La entrada no tiene una alerta ni un enlace a una.",
    code="no-link",
)
NOT_PEM = Text(
    "This is no certificate in PEM, or a folder without any *.pem.",
    "No es un certificado en PEM, o es una carpeta sin *.pem.",
    code="not-a-certificate",
)


def open_source(config: Config, files: Sequence[Path] = ()) -> Source:
    """
    The source that ``config`` describes; ``files`` stand in for its own documents.

    Raises:
        ConfigError: a certificate cannot be read.
    """
    signing = config.settings["signature"]
    pinned = [pin for path in signing["certificates"] for pin in _pinned(config.at(path), path)]
    return CapSource(config, Trust(mode=signing["mode"], pinned=tuple(pinned)), tuple(files))


def _pinned(path: Path, written: str) -> list[Pinned]:
    paths = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    try:
        found = [
            Pinned(name=one.stem[:200], certificate=x509.load_pem_x509_certificate(one.read_bytes())) for one in paths
        ]
    except (OSError, ValueError) as error:
        raise ConfigError(flaw(f"/signature/certificates {written}", NOT_PEM)) from error
    if not found:
        raise ConfigError(flaw(f"/signature/certificates {written}", NOT_PEM))
    return found


class CapSource:
    """One place where CAP documents are; every call of ``items`` reads it anew."""

    def __init__(self, config: Config, trust: Trust, files: tuple[Path, ...]) -> None:
        self._config = config
        self._trust = trust
        self._files = files
        self._section = config.settings["source"]

    def items(self, cursor: Cursor) -> Iterator[Item]:
        """See ``Source.items``."""
        with self._fetcher() as fetcher:
            reading = _Reading(self._config, self._trust, cursor, fetcher)
            if self._files:
                yield from reading.paths([(str(path), path) for path in self._files])
            elif self._section["url"]:
                yield from reading.web(self._section["url"])
            else:
                yield from reading.paths(self._listed())

    def _listed(self) -> list[tuple[str, Path]]:
        if self._section["file"]:
            path = self._config.at(self._section["file"])
            if not path.is_file():
                raise SourceFailed(UNREADABLE.code, UNREADABLE.format(why="no such file"))
            return [(path.name, path)]
        folder = self._config.at(self._section["folder"])
        try:
            return [(path.name, path) for path in sorted(folder.iterdir()) if path.match(self._section["pattern"])]
        except OSError as error:
            raise SourceFailed(UNREADABLE.code, UNREADABLE.format(why=error.strerror)) from error

    def _fetcher(self) -> Fetcher:
        section = self._section
        own = {urlsplit(section["url"]).netloc.lower()} if section["url"] else set()
        hosts = own | {host.lower() for host in section["follow_hosts"]}
        ca_file = self._config.at(section["ca_file"]) if section["ca_file"] else None
        on_loopback = bool(section["url"]) and urlsplit(section["url"]).scheme == "http"  # the settings let it pass
        return Fetcher(
            hosts=frozenset(hosts),
            timeout_s=section["timeout_s"],
            ca_file=ca_file,
            allow_http=section["allow_http"] or on_loopback,
        )


class _Reading:
    """One reading of a source; items are yielded as documents are read."""

    def __init__(self, config: Config, trust: Trust, cursor: Cursor, fetcher: Fetcher) -> None:
        # A dry run leaves nothing behind.
        archive: Archive = Passing() if isinstance(cursor, Blank) else Folder(config.state_dir / ORIGINALS)
        understood = settings.reading(config.agency, config.jurisdictions, config.settings)
        self._memory = Memory(cursor)
        self._intake = Intake(understood, trust, archive, self._memory, config=config.digest)
        self._cursor = cursor
        self._fetcher = fetcher
        # What was skipped or refused under another configuration is looked at again.
        self._scope = config.digest[:12]
        self._config = config.digest

    def paths(self, paths: Sequence[tuple[str, Path]]) -> Iterator[Item]:
        """Files, those with documents in the order in which they were sent, so that updates find what they refer to."""
        ordered: list[tuple[str, str, Path]] = []
        for name, path in paths:
            try:
                raw = _bytes(path)
            except OSError as error:
                yield Item(document=name, unknown=(flaw("", UNREADABLE.format(why=error.strerror)),))
                continue
            if not raw.strip():  # perhaps still being written
                yield Item(document=name, unknown=(flaw("", xml.EMPTY),))
            elif not self._memory.is_done(hashlib.sha256(raw).hexdigest(), self._config):
                sent = times.read(document.sent_of(raw)).instant
                ordered.append((times.key(sent) if sent else "", name, path))
        for _, name, path in sorted(ordered):
            yield from self._file(name, path)

    def web(self, url: str) -> Iterator[Item]:
        """
        A feed, or one document.

        Raises:
            SourceFailed: it could not be downloaded, or is neither.
        """
        names = (f"etag:{self._scope}:{url}", f"modified:{self._scope}:{url}")
        etag, modified = (self._cursor.mark(name) or "" for name in names)
        try:
            fetched = self._fetcher.get(url, max_bytes=xml.INDEX.max_bytes, etag=etag, last_modified=modified)
        except Unreachable as failed:
            raise SourceFailed(failed.text.code, failed.text) from failed
        if fetched.body is None:
            return
        try:
            root = xml.parse(fetched.body, xml.INDEX)
            entries = () if feed.is_alert(root) else feed.entries(root, base=fetched.url)
        except Malformed as malformed:
            first = malformed.flaws[0]
            raise SourceFailed(first.code, first.text) from malformed
        if feed.is_alert(root):
            yield from self._alert(url, fetched.body)
        else:
            marks = dict(zip(names, (fetched.etag, fetched.last_modified), strict=True))
            digest = hashlib.sha256(fetched.body).hexdigest()
            yield from self._index(entries, Item(document=url, key=f"feed:{url}", digest=digest, marks=marks))

    def _file(self, name: str, path: Path) -> Iterator[Item]:
        try:
            raw = _bytes(path)
        except OSError as error:  # removed in between
            yield Item(document=name, unknown=(flaw("", UNREADABLE.format(why=error.strerror)),))
            return
        try:
            root = xml.parse(raw, xml.INDEX)
            entries = () if feed.is_alert(root) else feed.entries(root)
        except Malformed as malformed:
            refusal = Refusal(document=name, flaws=malformed.flaws)
            digest = hashlib.sha256(raw).hexdigest()
            yield Item(
                document=name,
                key=f"refused:{digest}",
                digest=self._config,
                refusals=(refusal,),
                marks={f"seen:{digest}": self._config},
            )
            return
        if feed.is_alert(root):
            yield from self._alert(name, raw)
        else:
            digest = hashlib.sha256(raw).hexdigest()
            marks = {f"seen:{digest}": DONE}
            yield from self._index(entries, Item(document=name, key=f"index:{digest}", digest=digest, marks=marks))

    def _alert(self, name: str, raw: bytes) -> Iterator[Item]:
        item = self._intake.item(name, raw)
        if item is not None:
            yield item

    def _index(self, entries: Sequence[Entry], whole: Item) -> Iterator[Item]:
        """What the entries of an index become, oldest first; ``whole`` is yielded only if all could be read."""
        is_whole = True
        for entry in feed.oldest_first(entries):
            item = self._entry(whole.document, entry)
            if item is not None:
                is_whole = is_whole and not item.unknown
                yield item
        if is_whole:
            yield whole

    def _entry(self, index: str, entry: Entry) -> Item | None:
        if entry.inline is not None:
            return self._intake.item(index, entry.inline, position=entry.position)
        if entry.link:
            return self._linked(entry)
        return Item(document=index, position=entry.position, unknown=(flaw("", NO_LINK),))

    def _linked(self, entry: Entry) -> Item | None:
        name = f"link:{self._scope}:{hashlib.sha256(entry.link.encode()).hexdigest()}"
        if entry.updated and self._cursor.mark(name) == entry.updated:
            return None
        try:
            fetched = self._fetcher.get(entry.link, max_bytes=xml.DOCUMENT.max_bytes)
            if not feed.is_alert(xml.parse(fetched.body or b"")):
                raise Malformed(flaw("/", feed.NOT_A_FEED))
        except Unreachable as failed:
            return Item(document=entry.link, position=entry.position, unknown=(flaw("", failed.text),))
        except Malformed as malformed:  # an error page, say: what the alert was is unknown
            return Item(document=entry.link, position=entry.position, unknown=malformed.flaws)
        marks = {name: entry.updated} if entry.updated else {}
        return self._intake.item(entry.link, fetched.body or b"", position=entry.position, marks=marks)


def _bytes(path: Path) -> bytes:
    """At most one byte more than an index may have; the parser then says that it is too large."""
    with path.open("rb") as file:
        return file.read(xml.INDEX.max_bytes + 1)
