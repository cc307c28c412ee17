"""Exceptions, with the library's code, message and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from postbox._item import Item, item_from_json


class ErrorCode(IntEnum):
    """The kind of an error. The numbers are the same as in the C header, which documents each code."""

    INVALID_ARGUMENT = 1
    NULL_ARGUMENT = 2
    INVALID_UTF8 = 3
    INVALID_MESSAGE = 4
    INVALID_JSON = 5
    UNKNOWN_NAME = 6
    INVALID_SETTING = 7
    TOO_MANY_ACTIONS = 20
    ITEM_TOO_LARGE = 21
    TRANSACTION_TOO_LARGE = 22
    DUPLICATE_ITEM = 23
    UNIT_OF_WORK_CLOSED = 30
    CLOSED = 31
    FORKED = 32
    CONCURRENT_USE = 33
    REENTRANT_CALL = 34
    TRANSACTION_CANCELED = 40
    DUPLICATE_MESSAGE = 41
    OUTCOME_UNKNOWN = 42
    CLEAR_INCOMPLETE = 50
    DEPOSIT_INCOMPLETE = 51
    MARK_INCOMPLETE = 52
    OUTBOX_LIMIT_REACHED = 53
    TABLE_NOT_FOUND = 60
    INVALID_TABLE = 61
    NO_AWS_CONFIG = 62
    ACCESS_DENIED = 63
    THROTTLED = 64
    UNREACHABLE = 65
    TIMEOUT = 66
    SERVICE_ERROR = 67
    MALFORMED_ITEM = 68
    EMBEDDED_UNAVAILABLE = 69
    NO_RESOURCES = 70
    CANCELED = 71
    INTERNAL = 99

    @classmethod
    def _missing_(cls, value: object) -> ErrorCode:
        # A later library may return codes that this package does not know.
        return cls.INTERNAL


@dataclass(frozen=True)
class Reason:
    """The reason why one action of a transaction, or one message of many, failed."""

    index: int
    """The position of the action or message in the call, from 0."""
    subject: str
    """The name of the failed thing: an action ("Put People"), a message id, an index of a table."""
    code: str
    """The code from DynamoDB ("ConditionalCheckFailed"), or one from Postbox if DynamoDB returned none."""
    message: str
    item_json: str | None = None
    """The item whose condition failed, as DynamoDB JSON, if the action asked for it."""

    @property
    def item(self) -> Item | None:
        """The item whose condition failed, if the action requested the item."""
        return None if self.item_json is None else item_from_json(self.item_json)


class PostboxError(Exception):
    """The base class of all errors of Postbox."""

    def __init__(
        self, code: ErrorCode, message: str, retryable: bool = False, reasons: Sequence[Reason] = ()
    ) -> None:
        super().__init__(code, message, retryable, tuple(reasons))
        self.code = code
        self.message = message
        self.retryable = retryable
        """Whether the same call may succeed later without any change."""
        self.reasons = tuple(reasons)
        """A reason for each action or message that failed. Empty if the error concerns one thing only."""

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {r.subject}: {r.code}: {r.message}" for r in self.reasons)])


class InvalidInputError(PostboxError, ValueError):
    """An argument, a setting, a header field or an item has an invalid value."""


class LimitExceededError(InvalidInputError):
    """A limit of DynamoDB for an item or a transaction was exceeded. The unit of work is unchanged."""


class TransactionCanceledError(PostboxError):
    """Nothing was written. The error has a reason for each action that failed. The unit of work stays open."""


class DuplicateMessageError(TransactionCanceledError):
    """This commit wrote nothing, because the outbox already has a message with the same id."""


class OutcomeUnknownError(PostboxError):
    """The transaction may or may not have taken effect. Call commit again on the same unit of work to find out."""


class IncompleteError(PostboxError):
    """Some messages could not be sent, deposited or marked. The error has a reason for each of these messages."""


class OutboxLimitReachedError(PostboxError):
    """More messages are outstanding than the setting max_outstanding allows: nothing was deposited."""


class UsageError(PostboxError):
    """The call is not allowed here: after a close, in a forked child, while another thread uses the object, or in a callback."""


class ClosedError(UsageError):
    """The Postbox or the unit of work was closed."""


class ForkedError(UsageError):
    """The process was forked after the Postbox was opened. Open a new Postbox in the child process."""


class DatabaseError(PostboxError):
    """DynamoDB rejected a request, could not be reached, or contains an invalid item or table."""


class TableError(DatabaseError):
    """The table does not exist, or cannot serve as an outbox. The error has a reason for each problem."""


class NoResourcesError(PostboxError):
    """A limit of the process or the machine has been reached, or the program has closed the file descriptors of Postbox."""


class InternalError(PostboxError):
    """A defect in Postbox. Please report it."""
