"""A PNG file of 8-bit RGB, as vm-cli writes screenshots, read without any library."""

import struct
import zlib


class Picture:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:8] != b"\x89PNG\r\n\x1a\n" or data[-8:-4] != b"IEND":
            raise ValueError(f"{path} is no complete PNG file")
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour = struct.unpack(">IIBB", body[:10])
                if (depth, colour) != (8, 2):
                    raise ValueError(f"{path} is not 8-bit RGB")
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        self.rows = self._unfilter(zlib.decompress(packed))

    def _unfilter(self, raw):
        """Undo the five filters of PNG (its specification, chapter 9)."""
        size, rows, above = 3 * self.width, [], bytes(3 * self.width)
        for y in range(self.height):
            kind = raw[y * (size + 1)]
            row = bytearray(raw[y * (size + 1) + 1:(y + 1) * (size + 1)])
            if kind == 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, above))
            elif kind:
                for x in range(size):
                    left = row[x - 3] if x >= 3 else 0
                    corner = above[x - 3] if x >= 3 else 0
                    row[x] = (row[x] + self._predict(kind, left, above[x], corner)) & 255
            rows.append(bytes(row))
            above = row
        return rows

    @staticmethod
    def _predict(kind, left, up, corner):
        if kind == 1:
            return left
        if kind == 3:
            return (left + up) // 2
        estimate = left + up - corner
        return min((abs(estimate - value), order, value) for order, value in enumerate((left, up, corner)))[2]

    def pixel(self, x, y):
        """0xRRGGBB."""
        return int.from_bytes(self.rows[y][3 * x:3 * x + 3], "big")

    def count(self, colour, x=0, y=0, width=None, height=None):
        """How many pixels of the rectangle have a colour."""
        wanted, found = colour.to_bytes(3, "big"), 0
        right = self.width if width is None else x + width
        for row in self.rows[y:self.height if height is None else y + height]:
            found += sum(row[3 * i:3 * i + 3] == wanted for i in range(x, right))
        return found
