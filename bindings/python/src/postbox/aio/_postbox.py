"""The Postbox of an event loop."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

import postbox
from postbox import _callbacks
from postbox._callbacks import SendOutcome, SendResult, lossy, outcome_of
from postbox._calls import CancelToken
from postbox._config import Config as BlockingConfig
from postbox._errors import ErrorCode, TransactionCanceledError, UsageError
from postbox._item import Item
from postbox._message import Message
from postbox._native import ffi, lib, optional_text_of, optional_utf8, texts
from postbox._postbox import Postbox as Blocking
from postbox._postbox import texts_of_ids
from postbox._results import ArchiveResult, OutstandingCount, Page, Report, State, Stats, SweepResult, page_of
from postbox._text import utf8
from postbox._trace import carry_trace_context
from postbox._values import ItemLike
from postbox.aio._completion import awaited
from postbox.aio._items import read_item
from postbox.aio._producers import BatchProducer, Producer, Sending
from postbox.aio._unit_of_work import UnitOfWork

T = TypeVar("T")
