"""
Bounds what a compressed batch may become in this process.

Kafka keeps a batch as its sender compressed it, and kafka-python unpacks it without a limit: 256 KB can become
gigabytes. Letting the broker unpack instead (`compression.type=uncompressed`) only moves the damage: one such record
ends a broker with 384 MB of heap (measured with Kafka 4.4.0). A batch that is too large unpacked, or packed in a way
that cannot be read here, becomes one record that says why; what comes after it is read as ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch

from schemas.texts import Text

MAX_UNPACKED_BYTES = 4 << 20  # a full batch of 256 KB that shrank to a sixteenth
GZIP = 16 + zlib.MAX_WBITS  # RFC 1952 framing

TOO_LARGE = Text(
    "The batch is over the limit of {limit} bytes once unpacked; send its records uncompressed.",
    "El lote supera el límite de {limit} bytes al descomprimirlo; envíe sus registros sin comprimir.",
    code="too-large",
).format(limit=MAX_UNPACKED_BYTES)
NOT_READ = Text(
    "The batch is compressed in a way that is not read here; send it uncompressed, or with gzip.",
    "El lote está comprimido de una forma que aquí no se lee; envíelo sin comprimir o con gzip.",
    code="compression-not-read",
)


class Unread(bytes):
    """Stands for the records of a batch that was not unpacked: no bytes, and the reason."""

    reason: Text

    def __new__(cls, reason: Text) -> Unread:
        """A value that is empty and knows why."""
        unread = super().__new__(cls)
        unread.reason = reason
        return unread


class BoundedBatch(DefaultRecordBatch):  # type: ignore[misc,unused-ignore]
    """A record batch (format 2) that never grows past the limit; its checksum is verified before it is unpacked."""

    _buffer: Any
    _pos: int
    _decompressed: bool

    def __iter__(self) -> Iterator[Any]:
        if self.compression_type == self.CODEC_NONE or self._decompressed:
            return self._records()
        if self.compression_type != self.CODEC_GZIP:
            return iter([self._unread(NOT_READ)])
        unpacker = zlib.decompressobj(wbits=GZIP)
        try:
            unpacked = unpacker.decompress(memoryview(self._buffer)[self._pos :], MAX_UNPACKED_BYTES + 1)
        except zlib.error:
            return iter([self._unread(NOT_READ)])
        if len(unpacked) > MAX_UNPACKED_BYTES or not unpacker.eof:
            return iter([self._unread(TOO_LARGE)])
        self._buffer, self._pos, self._decompressed = bytearray(unpacked), 0, True
        return self._records()

    def _records(self) -> Iterator[Any]:
        records: Iterator[Any] = super().__iter__()
        return records

    def _unread(self, reason: Text) -> DefaultRecord:
        # At the last offset, so that reading goes on behind the batch.
        size = len(self._buffer)
        return DefaultRecord(size, self.last_offset, self.max_timestamp, self.timestamp_type, None, Unread(reason), [])


def bound() -> None:
    """Make every consumer of this process unpack within the limit; call it before the first one starts."""
    memory_records.DefaultRecordBatch = BoundedBatch
