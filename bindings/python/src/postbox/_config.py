"""The settings and producers of a Postbox."""

from __future__ import annotations

import logging
from typing import Any

from postbox import _callbacks
from postbox._callbacks import BatchProducer, Producer
from postbox._native import check, ffi, lib, optional_utf8, text_of
from postbox._text import utf8


class Config:
    """The settings of a Postbox by name (see CONFIGURATION.md), and its producers by topic.

    config = Config(table_name="orders_outbox", number_of_shards=5)
    config["region"] = "eu-central-1"
    config.producer("order.placed", send)
    """

    def __init__(self, **settings: str | int) -> None:
        self._pointer = ffi.gc(lib.postbox_config_new(), lib.postbox_config_free)
        for name, value in settings.items():
            self[name] = value

    def __setitem__(self, name: str, value: str | int) -> None:
        """Changes a setting. An empty string unsets an optional setting."""
        check(lib.postbox_config_set(self._pointer, utf8(name, "setting name"), utf8(str(value), name)))

    def __getitem__(self, name: str) -> str:
        """Returns a setting as a string: "" if it is not set, "***" for a secret."""
        value = ffi.new("char **")
        check(lib.postbox_config_get(self._pointer, utf8(name, "setting name"), value))
        return text_of(value[0])

    def producer(self, topic: str | None, send: Producer) -> None:
        """Adds the producer of a topic, of all topics with a prefix ("orders.*"), or of every topic without its own producer if
        `topic` is None. Exact topics take precedence over prefixes, and longer prefixes over shorter ones.

        The producer returns None when the message is sent. An exception counts as a failed dispatch, with the text of
        the exception as the reason. The message stays outstanding and is sent again. See SendOutcome and Reject for
        other outcomes.
        """
        name, handle = _kept(topic, send)
        error = lib.postbox_config_add_producer(self._pointer, name, _callbacks.send, handle, _callbacks.release)
        if error:
            _callbacks.drop(handle)
        check(error)

    def batch_producer(self, topic: str | None, send: BatchProducer, max_batch: int) -> None:
        """Adds a producer that receives up to `max_batch` messages in one call, and returns or yields a result for each
        message. A topic has only one producer, of either kind.

        config.batch_producer("order.placed", publish_all, max_batch=50)

        No two messages of a call have the same topic and partition key. See BatchProducer for the results.
        """
        if max_batch < 1:
            raise ValueError(f"a batch has at least 1 message, not {max_batch}")
        name, handle = _kept(topic, send)
        error = lib.postbox_config_add_batch_producer(
            self._pointer, name, max_batch, _callbacks.send_batch, handle, _callbacks.release
        )
        if error:
            _callbacks.drop(handle)
        check(error)

    def logger(self, logger: logging.Logger, level: int | None = None) -> None:
        """Sends the log messages of the Postboxes that are opened with this configuration to this logger, from `level`
        upwards, and not to the logger "postbox". Without `level`, it is the current level of the logger.

        config.logger(logging.getLogger("orders.outbox"))

        A message may come from any thread, and the thread waits for the handler. A handler must not call Postbox.
        """
        wanted = _callbacks.level_of(logger.getEffectiveLevel() if level is None else level)
        if wanted is None:
            # Nothing is as severe as this. Errors are still passed to the logger, which discards them.
            wanted = lib.POSTBOX_LOG_ERROR
        handle = _callbacks.keep(logger)
        error = lib.postbox_config_set_log_callback(self._pointer, wanted, _callbacks.log, handle, _callbacks.release)
        if error:
            _callbacks.drop(handle)
        check(error)


def _kept(topic: str | None, send: object) -> tuple[Any, Any]:
    """Returns the topic of a producer, encoded for C, and the pointer that keeps the producer alive."""
    if not callable(send):
        raise TypeError(f"a producer must be callable, not {type(send).__name__}")
    return optional_utf8(topic, "topic"), _callbacks.keep(send)
