"""Singer messages: one frozen type each, parsed tolerantly, dumped in the key order of the SDK (M1..M7).

`parse_message` is for the few messages a program handles one by one (SCHEMA, BATCH, a state file); records on
the hot path are decoded by the native core and never become objects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dativo_protocol.errors import MessageError, SchemaError

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class SchemaMessage:
    """What the records of a stream look like; comes before the first of them and again whenever that changes.

    Attributes:
        schema: JSON Schema of a record.
        key_properties: names whose values identify a record; empty if nothing does.
        bookmark_properties: names a tap may resume by; None if it did not say.
    """

    stream: str
    schema: Mapping[str, Any]
    key_properties: tuple[str, ...] = ()
    bookmark_properties: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """One record.

    Attributes:
        time_extracted: RFC 3339 text as received; None if absent or not text.
        version: of the table the record belongs to, see `ActivateVersionMessage`.
    """

    stream: str
    record: Mapping[str, Any]
    time_extracted: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class StateMessage:
    """Where to resume once everything before this message is durable."""

    value: Any


@dataclass(frozen=True, slots=True)
class ActivateVersionMessage:
    """Records of the stream with an older version are now deleted."""

    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class BatchEncoding:
    """How the files of a batch are written.

    Attributes:
        format: "jsonl", "parquet" or "arrow"; others are for the reader to refuse.
        compression: "gzip", or None for none.
    """

    format: str
    compression: str | None = None


@dataclass(frozen=True, slots=True)
class BatchMessage:
    """Records handed over as files.

    Attributes:
        manifest: URIs or paths, in order.
    """

    stream: str
    encoding: BatchEncoding
    manifest: tuple[str, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a type we do not know: the specification permits any, so it is noted and skipped.

    Attributes:
        type: as received.
        fields: the whole message.
    """

    type: str
    fields: Mapping[str, Any]


Message: TypeAlias = (
    SchemaMessage | RecordMessage | StateMessage | ActivateVersionMessage | BatchMessage | UnknownMessage
)


def parse_message(line: bytes | str, *, number: int = 0) -> Message:
    """Parse one line.

    Accepted: `type` in any case, a string for a list of names, absent `key_properties`, a BOM, and NaN and
    Infinity as null.

    Args:
        line: with or without its line end.
        number: 1-based number of the line, for errors.

    Raises:
        MessageError: the line is not a Singer message.
        SchemaError: a SCHEMA without `properties`.
    """
    return _Fields(_parse_object(line, number), number).message()


def dump_message(message: Message) -> bytes:
    """Return the message as one UTF-8 line with its line end; NaN and infinities become null.

    Raises:
        TypeError: a value has no JSON form.
    """
    fields = _fields_of(message)
    try:
        text = _to_json(fields)
    except ValueError:
        text = _to_json(_without_nan(fields))
    return text.encode() + b"\n"


def _parse_object(line: bytes | str, number: int) -> dict[str, Any]:
    try:
        text = line.decode() if isinstance(line, bytes) else line
        value = json.loads(text.removeprefix(_BOM), parse_constant=lambda _: None)
    except UnicodeDecodeError as error:
        raise MessageError(f"not UTF-8 at byte {error.start}", line=number) from None
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {error}", line=number) from None
    if not isinstance(value, dict):
        raise MessageError(f"expected a JSON object, found {type(value).__name__}", line=number)
    return value


class _Fields:
    """The members of one message, checked as they are taken out."""

    def __init__(self, fields: dict[str, Any], number: int) -> None:
        self._fields = fields
        self._number = number
        stream = fields.get("stream")
        self._stream = stream if isinstance(stream, str) else None

    def message(self) -> Message:
        declared = self._text("type")
        match declared.upper():
            case "SCHEMA":
                return self._schema()
            case "RECORD":
                return self._record()
            case "STATE":
                return StateMessage(self._present("value"))
            case "ACTIVATE_VERSION":
                return ActivateVersionMessage(self._text("stream"), self._integer("version"))
            case "BATCH":
                return self._batch()
        return UnknownMessage(declared, self._fields)

    def _schema(self) -> SchemaMessage:
        stream = self._text("stream")
        schema = self._object("schema")
        bookmarks = self._fields.get("bookmark_properties")
        return SchemaMessage(
            stream,
            _checked_schema(schema, stream=stream),
            self._names("key_properties"),
            None if bookmarks is None else self._names("bookmark_properties"),
        )

    def _record(self) -> RecordMessage:
        extracted = self._fields.get("time_extracted")
        return RecordMessage(
            self._text("stream"),
            self._object("record"),
            extracted if isinstance(extracted, str) else None,
            self._version(),
        )

    def _batch(self) -> BatchMessage:
        stream = self._text("stream")
        encoding = self._object("encoding")
        format_, compression = encoding.get("format"), encoding.get("compression")
        if not isinstance(format_, str) or not isinstance(compression, str | None):
            raise self._error("`encoding` needs a `format`, and a string or null as `compression`")
        plain = compression is None or compression.lower() in ("", "none")
        return BatchMessage(
            stream,
            BatchEncoding(format_.lower(), None if plain or compression is None else compression.lower()),
            self._names("manifest"),
            self._version(),
        )

    def _present(self, name: str) -> Any:
        if name not in self._fields:
            raise self._error(f"no `{name}`")
        return self._fields[name]

    def _text(self, name: str) -> str:
        value = self._present(name)
        if not isinstance(value, str):
            raise self._error(f"`{name}` is not a string")
        if not _is_encodable(value):
            raise self._error(f"`{name}` holds half of a surrogate pair")
        return value

    def _object(self, name: str) -> dict[str, Any]:
        value = self._present(name)
        if not isinstance(value, dict):
            raise self._error(f"`{name}` is not an object")
        return value

    def _integer(self, name: str) -> int:
        value = self._present(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._error(f"`{name}` is not an integer")
        return value

    def _version(self) -> int | None:
        return None if self._fields.get("version") is None else self._integer("version")

    def _names(self, name: str) -> tuple[str, ...]:
        value = self._fields.get(name)
        if value is None:
            return ()
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise self._error(f"`{name}` is not a list of strings")
        return tuple(names)

    def _error(self, reason: str) -> MessageError:
        return MessageError(reason, line=self._number, stream=self._stream)


def _checked_schema(schema: dict[str, Any], *, stream: str) -> dict[str, Any]:
    composed = any(keyword in schema for keyword in ("$ref", "allOf", "anyOf", "oneOf"))
    if not composed and not isinstance(schema.get("properties"), dict):
        raise SchemaError("the schema has no `properties`", stream=stream)
    return schema


def _fields_of(message: Message) -> dict[str, Any]:
    """Members in the order of the SDK; optional ones left out when unset."""
    match message:
        case SchemaMessage(stream, schema, keys, bookmarks):
            fields = {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": list(keys)}
            return fields if bookmarks is None else {**fields, "bookmark_properties": list(bookmarks)}
        case RecordMessage(stream, record, extracted, version):
            fields = {"type": "RECORD", "stream": stream, "record": record}
            optional = {"version": version, "time_extracted": extracted}
            return fields | {name: value for name, value in optional.items() if value is not None}
        case StateMessage(value):
            return {"type": "STATE", "value": value}
        case ActivateVersionMessage(stream, version):
            return {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}
        case BatchMessage(stream, encoding, manifest, version):
            fields = {
                "type": "BATCH",
                "stream": stream,
                "encoding": _encoding_fields(encoding),
                "manifest": list(manifest),
            }
            return fields if version is None else {**fields, "version": version}
        case UnknownMessage(_, fields):
            return dict(fields)


def _encoding_fields(encoding: BatchEncoding) -> dict[str, str]:
    fields = {"format": encoding.format}
    return fields if encoding.compression is None else {**fields, "compression": encoding.compression}


def _to_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8 form; its \\u escape is the only way to write it down.
    return text if text.isascii() or _is_encodable(text) else json.dumps(value, separators=(",", ":"))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_nan(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(member) for member in value]
    return value
