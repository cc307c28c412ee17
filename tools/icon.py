#!/usr/bin/env python3
"""Draws the icon of the NuGet packages, an envelope, as bindings/dotnet/icon.png: tools/icon.py"""

import struct
import zlib
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent.parent / "bindings" / "dotnet" / "icon.png"
SIZE = 128
SAMPLES = 4  # in each direction of a pixel, for smooth edges
BLUE, WHITE, CLEAR = (29, 78, 121, 255), (255, 255, 255, 255), (0, 0, 0, 0)


def in_rounded(x: float, y: float, half_width: float, half_height: float, radius: float) -> bool:
    """Returns whether a point is in a rectangle with round corners around the centre of the icon."""
    dx = max(abs(x - SIZE / 2) - half_width + radius, 0)
    dy = max(abs(y - SIZE / 2) - half_height + radius, 0)
    return dx * dx + dy * dy <= radius * radius


def color(x: float, y: float) -> tuple[int, int, int, int]:
    if not in_rounded(x, y, 62, 62, 22):
        return CLEAR
    # The flap is a line from the upper corners of the envelope to a point below its centre.
    flap = 42 + 30 * (1 - abs(x - SIZE / 2) / 42)
    return WHITE if in_rounded(x, y, 42, 28, 5) and abs(y - flap) > 4 else BLUE


def pixel(column: int, row: int) -> bytes:
    steps = [(step + 0.5) / SAMPLES for step in range(SAMPLES)]
    samples = [color(column + dx, row + dy) for dx in steps for dy in steps]
    alpha = sum(sample[3] for sample in samples)
    # The mean of the colors, weighted by their opacity.
    mean = [sum(sample[channel] * sample[3] for sample in samples) // max(alpha, 1) for channel in range(3)]
    return bytes([*mean, alpha // len(samples)])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    rows = b"".join(b"\0" + b"".join(pixel(column, row) for column in range(SIZE)) for row in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    OUTPUT.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
