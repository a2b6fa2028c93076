"""Pictures as tests compare them: PNG files as the program writes them, and the X server's screen."""

import struct
import zlib


def png(path):
    """(width, height, bytes of red, green and blue) of a PNG file with 8 bits a component and no interlace."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert (depth, colours, interlace) == (8, 2, 0)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    return width, height, unfiltered(zlib.decompress(packed), 3 * width, height)


def unfiltered(raw, stride, height):
    """PNG specification, 9: each row says how it was made from its neighbours."""
    out, before = bytearray(), bytes(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        if kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, before))
        elif kind:
            for i in range(stride):
                left, up, corner = row[i - 3] if i > 2 else 0, before[i], before[i - 3] if i > 2 else 0
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + up) // 2
                else:
                    guess = min((left, up, corner), key=lambda c, t=left + up - corner: abs(t - c))
                row[i] = (row[i] + guess) & 255
        out += row
        before = bytes(row)
    return bytes(out)


def xwd(path, x, y, width, height):
    """A part of the screen of an Xvfb that was started with -fbdir: red, green and blue. (X11/XWDFile.h)"""
    with open(path, "rb") as file:
        data = file.read()
    header = struct.unpack(">25I", data[:100])
    size, bits, stride, colours = header[0], header[11], header[12], header[19]
    assert bits == 32
    start, out = size + 12 * colours, bytearray(3 * width * height)
    for row in range(height):
        at = start + (y + row) * stride + 4 * x
        line = data[at : at + 4 * width]
        to = slice(3 * row * width, 3 * (row + 1) * width)
        part = bytearray(3 * width)
        part[0::3], part[1::3], part[2::3] = line[2::4], line[1::4], line[0::4]
        out[to] = part
    return bytes(out)
