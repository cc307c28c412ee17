"""Conversion of text to UTF-8, the encoding of the library."""

from __future__ import annotations

from postbox._errors import ErrorCode, InvalidInputError


def encoded(value: str, what: str) -> bytes:
    """Encodes text as UTF-8. Raises InvalidInputError for a lone surrogate."""
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            ErrorCode.INVALID_UTF8,
            f"{what} cannot be written as UTF-8: it has a lone surrogate at position {error.start}",
        ) from None
    except AttributeError:
        raise TypeError(f"{what} must be a str, not {type(value).__name__}") from None


def utf8(value: str, what: str) -> bytes:
    """Encodes a string for C. Rejects NUL characters, at which a C string would end."""
    text = encoded(value, what)
    if b"\0" in text:
        raise InvalidInputError(
            ErrorCode.INVALID_ARGUMENT,
            f"{what} has a NUL character at position {value.index(chr(0))}, where it would end",
        )
    return text
