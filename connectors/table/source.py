"""A spreadsheet, or a folder of them, as a source: what changed since the last reading, row by row."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from connectors.config import Config, ConfigError
from connectors.source import Blank, Cursor, Item, Refusal, SourceFailed
from connectors.table import delimited, workbook
from connectors.table.grid import Headings, RawRow, Row, find_headings, rows
from connectors.table.mapping import TableMap, TableSettings
from connectors.table.settings import TableSections
from connectors.table.targets import VERBS, pruned, put
from connectors.table.translate import IN_COLUMN, Context, Draft, draft, to_event
from schemas import places, registry
from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

SETTINGS = TableSections()
KINDS_OF_FILE = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm")
WORKBOOKS = (".xlsx", ".xlsm")
KEY_BYTES = 32
MAX_STANDING = 1_000  # refused rows that are reported again while the files do not change
PROVISIONAL = b"provisional: the state folder cannot be written here"

NO_SUCH_FILE = Text(
    "The file or folder cannot be read ({why}).", "No se puede leer el archivo o la carpeta ({why}).", code="unreadable"
)
NO_FILES = Text("The folder holds no spreadsheet.", "La carpeta no contiene ninguna hoja de cálculo.", code="no-files")
TOO_LARGE = Text("The file has more than {max} MB.", "El archivo pasa de {max} MB.", code="too-large")
CHANGING = Text(
    "The file was being written while it was read; it is read again.",
    "El archivo se estaba escribiendo durante la lectura; se leerá de nuevo.",
    code="changing",
)
DOUBLE_KEY = Text(
    "This row has the same key as row {row} of {document}.",
    "Esta fila tiene la misma clave que la fila {row} de {document}.",
    code="duplicate-key",
)
UNREAD = Text("Columns that lead nowhere: {columns}", "Columnas sin destino: {columns}")
KEPT = Text(
    "Columns that stay here, being above [table] highest: {columns}",
    "Columnas que se quedan aquí por superar [table] highest: {columns}",
)
PROVISIONAL_IDS = Text(
    "The ids shown are provisional: the state folder cannot be written, so the key of the real ones is not known.",
    "Los ids son provisionales: no se puede escribir la carpeta de estado, así que se desconoce su clave verdadera.",
)
BAD_KEY_FILE = Text(
    "The file of the id key must hold 32 bytes in hexadecimal.",
    "El archivo de la clave de ids debe contener 32 bytes en hexadecimal.",
    code="bad-id-key",
)


def open_source(config: Config, files: Sequence[Path] = ()) -> TableSource:
    """
    The source of a table connector; ``files`` stand in for its own.

    Raises:
        ConfigError: places are to be read in a scheme of the other country.
    """
    settings: TableSettings = config.settings
    scheme = settings.map.places.scheme
    if scheme:
        try:
            places.from_geocode(scheme, "", country=places.country_of_agency(config.agency))
        except places.UnknownPlace as problem:
            if problem.text.code == "foreign-scheme":
                raise ConfigError(flaw("/table/jurisdiction/scheme", problem.text)) from problem
    return TableSource(config, files)


class TableSource:
    """Remembers nothing but which files it has read unchanged; what was published is the cursor's business."""

    def __init__(self, config: Config, files: Sequence[Path]) -> None:
        self._config = config
        self._settings: TableSettings = config.settings
        self._files = tuple(files)
        self._read: str | None = None  # digest of the files at the last full reading
        self._standing: list[Item] = []  # what could not be published of them

    def items(self, cursor: Cursor) -> Iterator[Item]:
        """See ``Source.items``."""
        documents = self._documents()
        now = self._digest(documents)
        if now == self._read:
            yield from self._standing
            return
        reading = _Reading(self._settings, self._context(cursor), cursor)
        self._read, self._standing = None, []
        for path in documents:
            for item in reading.document(path):
                self._keep(item)
                yield item
        yield from reading.closings()
        self._read = now if reading.is_stable else None

    def _keep(self, item: Item) -> None:
        if (item.refusals or item.unknown) and len(self._standing) < MAX_STANDING:
            self._standing.append(item)

    def _documents(self) -> list[Path]:
        if self._files:
            return list(self._files)
        path = self._config.at(self._settings.sheet.path)
        try:
            if not path.is_dir():
                path.stat()
                return [path]
            found = sorted(path.glob(self._settings.sheet.pattern or "*"))
        except OSError as error:
            raise SourceFailed(NO_SUCH_FILE.code, NO_SUCH_FILE.format(why=error.strerror)) from error
        named = [one for one in found if one.suffix.lower() in KINDS_OF_FILE and not one.name.startswith((".", "~$"))]
        if not named:
            raise SourceFailed(NO_FILES.code, NO_FILES)
        return named

    def _digest(self, documents: list[Path]) -> str:
        """Of what the files are: cheap, and different after any save."""
        try:
            stats = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in documents]
        except OSError as error:
            raise SourceFailed(NO_SUCH_FILE.code, NO_SUCH_FILE.format(why=error.strerror)) from error
        return repr(stats)

    def _context(self, cursor: Cursor) -> Context:
        path = self._config.at(self._settings.id_key_file) if self._settings.id_key_file else None
        secret = _id_key(path or self._config.state_dir / "id.key", dry=isinstance(cursor, Blank))
        return Context(
            map=self._settings.map,
            agency=self._config.agency,
            jurisdictions=self._config.jurisdictions,
            secret=secret,
        )


class _Reading:
    """One reading of all documents."""

    def __init__(self, settings: TableSettings, context: Context, cursor: Cursor) -> None:
        self.is_stable = True  # no file changed under our hands
        self._settings = settings
        self._context = context
        self._cursor = cursor
        self._seen: dict[str, tuple[str, int]] = {}  # key -> document and row
        self._is_whole = True  # every row of every document became a draft

    def document(self, path: Path) -> Iterator[Item]:
        try:
            raw = self._raw(path)
            headings = find_headings(raw, self._settings.map, self._settings.sheet.header_row)
            remarks = _remarks(headings, self._settings.map)
            if self._context.secret == PROVISIONAL:
                remarks += (PROVISIONAL_IDS,)
            yield Item(document=path.name, remarks=remarks)
            is_book = path.suffix.lower() in WORKBOOKS
            for row in rows(raw, headings, max_rows=self._settings.sheet.max_rows, ragged=not is_book):
                item = None if row.is_blank_but(self._settings.map.key) else self._item(path.name, row)
                if item is not None:
                    yield item
        except Malformed as problem:
            self._is_whole = False
            yield Item(document=path.name, key=f"unread:{path.name}", unknown=problem.flaws)

    def closings(self) -> Iterator[Item]:
        """An end for each open row that is gone, if declared so and if nothing was left unread."""
        if not (self._settings.map.withdrawn.close_missing and self._is_whole and self._seen):
            return
        for key, last in self._cursor.latest():
            if key not in self._seen and not registry.closes(last.type):
                yield self._close(key, last.subject)

    def _raw(self, path: Path) -> Iterator[RawRow]:
        content = self._content(path)
        if path.suffix.lower() in WORKBOOKS:
            return workbook.raw_rows(content, self._settings.sheet)
        return delimited.raw_rows(content, self._settings.sheet, self._settings.map)

    def _content(self, path: Path) -> bytes:
        limit = self._settings.sheet.max_mb
        try:
            before = path.stat()
            if before.st_size > limit * 1024 * 1024:
                raise Malformed(flaw("", TOO_LARGE.format(max=limit)))
            content = path.read_bytes()
            after = path.stat()
        except OSError as error:
            raise Malformed(flaw("", NO_SUCH_FILE.format(why=error.strerror))) from error
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, len(content)):
            self.is_stable = False
            raise Malformed(flaw("", CHANGING))
        return content

    def _item(self, document: str, row: Row) -> Item | None:
        try:
            made = draft(row, self._context)
            self._claim(made.key, document, row.number)
            return self._next(made, document, f"row {row.number}")
        except Malformed as problem:
            self._is_whole = False
            return _refused(document, row.number, _by_column(problem.flaws, self._settings.map))

    def _claim(self, key: str, document: str, row: int) -> None:
        first = self._seen.setdefault(key, (document, row))
        if first != (document, row):
            raise Malformed(flaw("", DOUBLE_KEY.format(row=first[1], document=first[0])))

    def _next(self, made: Draft, document: str, position: str) -> Item | None:
        event = to_event(made, self._cursor.history(made.key), self._context, datetime.now(UTC))
        if event is None:
            return None
        digest = made.digest(self._context.secret)
        return Item(document=document, position=position, key=made.key, digest=digest, events=(event,))

    def _close(self, key: str, subject: str) -> Item:
        wanted = self._settings.map
        event: dict[str, object] = {"data": {}, "label": dict(wanted.label)}
        for target, value in wanted.fixed:
            put(event, target.steps, value)
        made = Draft(
            key=key,
            subject=subject,
            verb=VERBS[wanted.family][2],
            time=None,
            jurisdictions=wanted.places.fixed or self._context.jurisdictions,
            label=dict(event["label"]),  # type: ignore[call-overload]
            data=pruned(event["data"]),
        )
        try:
            item = self._next(made, "", "gone")
        except Malformed as problem:
            item = _refused("", 0, problem.flaws)
        assert item is not None  # noqa: S101  (its last event did not close it, so this one differs)
        return item


def _remarks(headings: Headings, wanted: TableMap) -> tuple[Text, ...]:
    kept = [column.name for column in wanted.columns if column.target.sensitivity > wanted.highest]
    kept = [name for name in kept if name in headings.places]
    unread = UNREAD.format(columns=", ".join(headings.unread))
    return tuple([unread] * bool(headings.unread) + [KEPT.format(columns=", ".join(kept))] * bool(kept))


def _refused(document: str, row: int, flaws: tuple[Flaw, ...]) -> Item:
    position = f"row {row}" if row else "gone"
    refusal = Refusal(document=document, position=position, flaws=flaws)
    told = hashlib.sha256(repr([(one.path, one.code) for one in flaws]).encode()).hexdigest()
    key = f"refused:{document}:{position}"
    return Item(document=document, position=position, key=key, digest=told, refusals=(refusal,))


def _by_column(flaws: tuple[Flaw, ...], wanted: TableMap) -> tuple[Flaw, ...]:
    """Flaws of the finished event, told by the column they came from."""
    return tuple(_told(one, wanted) for one in flaws)


def _told(one: Flaw, wanted: TableMap) -> Flaw:
    for column in wanted.columns:
        pointer = column.target.pointer
        if one.path == pointer or one.path.startswith(f"{pointer}/"):
            return Flaw(path=column.name, code=one.code, text=IN_COLUMN.format(column=column.name, why=one.text))
    return one


def _id_key(path: Path, *, dry: bool) -> bytes:
    """The connector's own, made when first needed, so that a dry run shows the ids that a real one uses."""
    try:
        if not path.exists():
            _make_key(path)
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        raise SourceFailed(BAD_KEY_FILE.code, BAD_KEY_FILE) from None
    except OSError as error:
        if dry:
            return PROVISIONAL
        raise SourceFailed(NO_SUCH_FILE.code, NO_SUCH_FILE.format(why=error.strerror)) from error
    if len(secret) < KEY_BYTES:
        raise SourceFailed(BAD_KEY_FILE.code, BAD_KEY_FILE)
    return secret


def _make_key(path: Path) -> None:
    """Whole or not at all: half a key would give every row a new id after the next start."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
