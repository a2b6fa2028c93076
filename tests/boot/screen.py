"""The words on a screenshot of a text screen: its cells compared with the font in the video BIOS."""

import struct
import zlib

# The letter A of the IBM VGA's font of 8 by 16, which says where in a video BIOS the font is.
LETTER_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")


def read_png(path):
    """Width, height and the rows of an 8-bit RGB picture, as libpng writes it without interlacing."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data, at + 8)
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    stride, raw, rows = 3 * width, zlib.decompress(packed), []
    before = bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        if kind:
            unfilter(kind, row, before)
        rows.append(row)
        before = row
    return width, height, rows


def unfilter(kind, row, above):
    """PNG 9.2: what was subtracted is added again, from the left, from above, or a mix of both."""
    for i, value in enumerate(row):
        left = row[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above[i]
        elif kind == 3:
            guess = (left + above[i]) // 2
        else:
            estimate = left + above[i] - corner
            guess = min((left, above[i], corner), key=lambda x: abs(estimate - x))
        row[i] = (value + guess) & 0xFF


def font_of(bios):
    """Characters by their 16 rows, from a VGA BIOS."""
    with open(bios, "rb") as file:
        data = file.read()
    start = data.index(LETTER_A) - 16 * ord("A")
    return {data[start + 16 * c:start + 16 * c + 16]: chr(c) for c in range(32, 127)}


def words_of(path, bios):
    """The lines of a screen of text; what is no character of the font is a space. The VGA's 80 columns have 9 dots each,
    what a kernel draws has 8."""
    width, height, rows = read_png(path)
    cell = 9 if width == 80 * 9 else 8
    font = font_of(bios)
    lines = []
    for top in range(0, height - 15, 16):
        line = ""
        for left in range(0, width - cell + 1, cell):
            block = [[bytes(row[3 * (left + x):3 * (left + x) + 3]) for x in range(8)] for row in rows[top:top + 16]]
            ground = block[0][0]
            glyph = bytes(sum((dot != ground) << (7 - x) for x, dot in enumerate(dots)) for dots in block)
            line += font.get(glyph, " ")
        lines.append(line.rstrip())
    return "\n".join(lines)
