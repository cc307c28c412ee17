"""Reads a message after it was freed, which the bindings prevent: a sanitizer that runs must report it."""

from postbox import Message
from postbox._native import lib, text_of

message = Message("t")
lib.postbox_message_free(message._pointer)
print("nobody noticed", text_of(lib.postbox_message_topic(message._pointer)))
