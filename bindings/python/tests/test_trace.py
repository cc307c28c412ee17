"""Messages get the trace context of OpenTelemetry's current span."""

from __future__ import annotations

import subprocess
import sys
import threading

import postbox
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState


def context(state: str) -> tuple[NonRecordingSpan, str]:
    span = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, False, TraceFlags(1), TraceState.from_header([state]))
    return NonRecordingSpan(span), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def parent_of(box: postbox.Postbox, id: str) -> str | None:
    message = box.get_message(id)
    assert message is not None
    return message["trace_parent"]


def test_every_way_to_deposit_carries_the_current_span(box: postbox.Postbox) -> None:
    outside = box.deposit_post(postbox.Message("t", "outside"))
    span, parent = context("vendor=1")
    with trace.use_span(span):
        single = box.deposit_post(postbox.Message("t", "single"))
        (many,) = box.deposit_posts([postbox.Message("t", "many")])
        with box.unit_of_work() as work:
            together = work.deposit_post(postbox.Message("t", "together"))
        own = box.deposit_post(postbox.Message("t", "own", trace_parent="own"))
        put = box.message_to_put(postbox.Message("t", "put"), python_values=True)
        elsewhere: list[str] = []
        thread = threading.Thread(target=lambda: elsewhere.append(box.deposit_post(postbox.Message("t", "elsewhere"))))
        thread.start()
        thread.join()
    after = box.deposit_post(postbox.Message("t", "after"))
    assert [parent_of(box, id) for id in (single, many, together)] == [parent] * 3
    message = box.get_message(single)
    assert message is not None and message["trace_state"] == "vendor=1"
    assert put["Put"]["Item"]["TraceParent"] == parent
    assert [parent_of(box, id) for id in (outside, own, *elsewhere, after)] == [None, "own", None, None]


def test_the_span_of_a_tracer_is_carried(box: postbox.Postbox) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("order") as span:
        id = box.deposit_post(postbox.Message("t", "traced"))
    context = span.get_span_context()
    assert parent_of(box, id) == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def test_a_context_that_the_library_rejects_does_not_fail_a_deposit(box: postbox.Postbox) -> None:
    valid, parent = context("vendor=1")
    invalid, _ = context(",".join(f"vendor{number}={'x' * 200}" for number in range(3)))
    with trace.use_span(valid):
        first = box.deposit_post(postbox.Message("t", "valid"))
        with trace.use_span(invalid):
            second = box.deposit_post(postbox.Message("t", "invalid"))
        third = box.deposit_post(postbox.Message("t", "valid again"))
    assert [parent_of(box, id) for id in (first, second, third)] == [parent, None, parent]


def test_a_program_without_opentelemetry_deposits() -> None:
    program = """
import sys, postbox
with postbox.open(embedded_path=":memory:") as box:
    message = box.get_message(box.deposit_post(postbox.Message("t", "x")))
    print(message["trace_parent"], "opentelemetry" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "None False\n"
