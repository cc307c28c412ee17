"""The trace context of OpenTelemetry's current span, which deposited messages get."""

from __future__ import annotations

import sys
import threading
from typing import Any

from postbox._native import NULL, ffi, lib, optional_utf8

_Context = tuple[str, str]


class _Thread(threading.local):
    current: _Context | None = None
    """The context that the library has for this thread."""


_thread = _Thread()


def carry_trace_context() -> None:
    """Passes the context of the current span to the library, for the messages that this thread deposits next. A program that
    has not imported OpenTelemetry has no span."""
    trace = sys.modules.get("opentelemetry.trace")
    context = None if trace is None else _span_context(trace)
    if context != _thread.current:
        parent, state = context or (None, None)
        error = lib.postbox_set_trace_context(optional_utf8(parent, "traceparent"), optional_utf8(state, "tracestate"))
        # A deposit must not fail because of its trace. The library has no context then.
        if error != NULL:
            ffi.gc(error, lib.postbox_error_free)
        _thread.current = context


def _span_context(trace: Any) -> _Context | None:
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}", span.trace_state.to_header()
