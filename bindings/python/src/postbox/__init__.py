"""Postbox: a transactional outbox on Amazon DynamoDB.

Committed messages are sent at least once; rolled-back messages are never sent.

    import postbox

    def send(message: postbox.Message) -> None: ...

    with postbox.open(table_name="brighter_outbox", producers={"greeting.made": send}) as box:
        with box.unit_of_work() as work:                     # commits at its end, or rolls back
            person = work.get_item("People", {"Name": "Ada"})
            work.put("People", greeted(person))
            id = work.deposit_post(postbox.Message("greeting.made", body))
        box.clear_outbox([id])                               # send now; or leave it to a sweeper
"""

from postbox._callbacks import Archive, BatchProducer, Producer, Reject, SendOutcome, SendResult, Unavailable
from postbox._bag import Bag
from postbox._calls import CancelToken
from postbox._config import Config
from postbox._errors import (
    ClosedError,
    DatabaseError,
    DuplicateMessageError,
    ErrorCode,
    ForkedError,
    IncompleteError,
    InternalError,
    InvalidInputError,
    LimitExceededError,
    NoResourcesError,
    OutboxLimitReachedError,
    OutcomeUnknownError,
    PostboxError,
    Reason,
    TableError,
    TransactionCanceledError,
    UsageError,
)
from postbox._item import Item
from postbox._lease import HeldLease
from postbox._message import Message
from postbox._native import library_version
from postbox._postbox import Postbox, open
from postbox._process import set_log_level
from postbox._results import (
    ArchiveResult,
    Dispatch,
    LeaseInfo,
    LeaseStatus,
    Outcome,
    OutstandingCount,
    Page,
    Report,
    State,
    Stats,
    SweeperInfo,
    SweepResult,
    TopicCount,
    Malformed,
)
from postbox._selection import Age
from postbox._time import Time
from postbox._unit_of_work import UnitOfWork
from postbox._values import ItemLike

__version__ = library_version()

__all__ = [
    "Age",
    "Archive",
    "ArchiveResult",
    "Bag",
    "BatchProducer",
    "CancelToken",
    "ClosedError",
    "Config",
    "DatabaseError",
    "Dispatch",
    "DuplicateMessageError",
    "ErrorCode",
    "ForkedError",
    "HeldLease",
    "IncompleteError",
    "InternalError",
    "InvalidInputError",
    "Item",
    "ItemLike",
    "LeaseInfo",
    "LeaseStatus",
    "LimitExceededError",
    "Message",
    "NoResourcesError",
    "OutboxLimitReachedError",
    "Outcome",
    "OutcomeUnknownError",
    "OutstandingCount",
    "Page",
    "Postbox",
    "PostboxError",
    "Producer",
    "Reason",
    "Reject",
    "Report",
    "SendOutcome",
    "SendResult",
    "State",
    "Stats",
    "SweeperInfo",
    "SweepResult",
    "TableError",
    "Time",
    "TopicCount",
    "TransactionCanceledError",
    "Unavailable",
    "UnitOfWork",
    "Malformed",
    "UsageError",
    "library_version",
    "open",
    "set_log_level",
]
