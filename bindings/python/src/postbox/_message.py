"""Messages to deposit, messages for producers, and stored messages."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from postbox._bag import Bag, bag_from_json, bag_to_json
from postbox._errors import ErrorCode, UsageError
from postbox._native import NULL, check, ffi, lib, optional_text_of, text_of
from postbox._text import encoded, utf8
from postbox._time import Time, ticks_of, time_of


class Message:
    """A message, with named header fields and a body of bytes. CONFIGURATION.md lists the fields.

    Message("greeting.made", b"{}", partition_key="42", bag={"tenant": "7", "retries": 3})

    A body of type str is stored as UTF-8. The content type is JSON unless the field "content_type" is passed. A body of
    bytes that is not UTF-8 needs a content type of bytes, such as "application/octet-stream".

    The id is a new UUID v7, unless the field "id" is passed. If a program uses the
    same id each time it repeats an operation, the transaction of the operation takes effect only once.

    `message["subject"]` returns the field "subject", or None if the field is not set. `message["subject"] = "..."` sets it.

    A producer or an archive may use its message only until it returns. A message cannot be copied with the module copy, or
    pickled: copy its fields and its body.
    """

    # A string that the library returns is valid until the message changes or the callback returns. While a string is
    # copied, the lock prevents a change of the message and the end of the callback.
    __slots__ = ("__weakref__", "_keeper", "_lock", "_pointer")

    def __init__(
        self, topic: str, body: bytes | bytearray | str = b"", *, bag: Mapping[str, Any] | None = None, **fields: str
    ) -> None:
        content = _bytes_of(body)
        made = ffi.new("postbox_message **")
        check(lib.postbox_message_new(utf8(topic, "topic"), content, len(content), made))
        self._adopt(ffi.gc(made[0], lib.postbox_message_free), None)
        for name, value in fields.items():
            self[name] = value
        if bag is not None:
            self.bag = bag

    def _adopt(self, pointer: Any, keeper: object) -> None:
        self._lock = threading.RLock()
        self._pointer = pointer
        self._keeper = keeper

    @classmethod
    def _of(cls, pointer: Any, keeper: object = None) -> Message:
        """Wraps a postbox_message. If another object owns its memory, `keeper` is that object."""
        message = cls.__new__(cls)
        message._adopt(pointer, keeper)
        return message

    def _copy(self) -> Message:
        """Returns a message with the same content, which may be used after the callback has returned."""
        with self._lock:
            return Message._of(ffi.gc(lib.postbox_message_copy(self._valid()), lib.postbox_message_free))

    def _take_back(self) -> None:
        """Makes the message unusable when its callback has returned."""
        with self._lock:
            self._pointer = NULL

    def _valid(self) -> Any:
        """Returns the postbox_message. The caller must hold the lock while it uses the postbox_message."""
        if not self._pointer:
            raise UsageError(
                ErrorCode.INVALID_ARGUMENT,
                "the producer or archive that received this message has returned: copy fields and body before that",
            )
        return self._pointer

    @property
    def id(self) -> str:
        with self._lock:
            return text_of(lib.postbox_message_id(self._valid()))

    @property
    def topic(self) -> str:
        with self._lock:
            return text_of(lib.postbox_message_topic(self._valid()))

    @property
    def body(self) -> bytes:
        length = ffi.new("size_t *")
        with self._lock:
            start = lib.postbox_message_body(self._valid(), length)
            return bytes(ffi.buffer(start, length[0])) if length[0] else b""

    @body.setter
    def body(self, body: bytes | bytearray | str) -> None:
        content = _bytes_of(body)
        with self._lock:
            check(lib.postbox_message_set_body(self._valid(), content, len(content)))

    @property
    def created_ticks(self) -> int:
        """The time at which the message was created, with all digits of the table: intervals of 100 ns since the year 1, as
        in .NET. Messages with the same partition key are sent in the order of this time."""
        with self._lock:
            ticks: int = lib.postbox_message_created_ticks(self._valid())
            return ticks

    @created_ticks.setter
    def created_ticks(self, ticks: int) -> None:
        self.created_at = ticks

    @property
    def created_at(self) -> datetime:
        """The time at which the message was created, in UTC, rounded down to a microsecond. It is set to a datetime with a
        time zone, or to ticks."""
        return time_of(self.created_ticks)

    @created_at.setter
    def created_at(self, time: Time) -> None:
        ticks = ticks_of(time, "the creation time")
        with self._lock:
            check(lib.postbox_message_set_created_ticks(self._valid(), ticks))

    @property
    def bag(self) -> Bag:
        """The header bag, which has the program's own headers: str, bool, None, int, list, dict, and Decimal for numbers with
        a fraction or an exponent. No digits are lost. Reading copies the bag. To change an entry, change the copy and set
        it."""
        text = self["bag"]
        return bag_from_json(text or "{}")

    @bag.setter
    def bag(self, bag: Mapping[str, Any]) -> None:
        self["bag"] = bag_to_json(bag)

    def __getitem__(self, name: str) -> str | None:
        """Returns a header field, or None if it is not set. A message that was read from the outbox also has "state",
        "dispatched_at", "expires_at", "parked_at", "dispatch_attempts", "last_error", "next_attempt_at", "first_failed_at"
        and "accepted_at"."""
        value = ffi.new("char **")
        key = utf8(name, "field name")
        with self._lock:
            check(lib.postbox_message_get(self._valid(), key, value))
            return optional_text_of(value[0])

    def __setitem__(self, name: str, value: str) -> None:
        """Sets a header field. An empty string removes an optional field.

        "bag.NAME" is the entry NAME of the header bag, which is set to a string, and "bag" the whole bag as JSON."""
        key, text = utf8(name, "field name"), utf8(value, name)
        with self._lock:
            check(lib.postbox_message_set(self._valid(), key, text))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # A copy would refer to the memory of the library, which is freed without it.
        raise TypeError("a Message cannot be copied or pickled: copy its fields and its body, and create a new Message")

    def __repr__(self) -> str:
        # The body and the bag are left out, since they do not belong in logs.
        with self._lock:
            return f"<Message {self.id!r} to {self.topic!r}>" if self._pointer else "<Message of a callback that has returned>"


def _bytes_of(body: bytes | bytearray | str) -> bytes:
    if isinstance(body, str):
        # A body may contain NUL, since it is passed with its length.
        return encoded(body, "body")
    if not isinstance(body, (bytes, bytearray)):
        raise TypeError(f"a body must be bytes or str, not {type(body).__name__}")
    return bytes(body)
