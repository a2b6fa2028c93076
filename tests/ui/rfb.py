"""A small VNC client for tests, from RFC 6143 and the RFB community's protocol text: raw pixels, keys, the pointer."""

import socket
import struct
import zlib

RAW, DESKTOP_SIZE, CURSOR, EXTENDED_SIZE, QEMU_KEYS, QEMU_POINTER = 0, -223, -239, -308, -258, -257
CLIPBOARD = 0xC0A1E5CE - (1 << 32)
# Flags of the extended clipboard: text, and what a message does.
TEXT, CAPS, REQUEST, PEEK, NOTIFY, PROVIDE = 1, 1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28


class Refused(Exception):
    """The server did not let us in."""


class Client:
    def __init__(self, port, encodings=(RAW, DESKTOP_SIZE), answer=None, timeout=30):
        """`answer`: makes what is sent for a password's challenge of that."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.known = set()  # pseudo-encodings that the server has shown
        self.updates = 0
        self.extended = False  # the server has the extended clipboard
        self.cut_text = None  # what it has sent, or nothing new
        assert self.read(12).startswith(b"RFB 003.")
        self.socket.sendall(b"RFB 003.008\n")
        self.security = list(self.read(self.read(1)[0]))
        self.socket.sendall(bytes([self.security[0]]))
        if self.security[0] == 2:
            self.socket.sendall(answer(self.read(16)))
        if struct.unpack(">I", self.read(4))[0] != 0:
            why = self.read(struct.unpack(">I", self.read(4))[0]).decode()
            self.socket.close()
            raise Refused(why)
        self.socket.sendall(b"\1")  # shared
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()
        self.pixels = bytearray(4 * self.width * self.height)
        # 32 bits a pixel, of which 24 count, little-endian, red at bit 16.
        self.socket.sendall(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.encodings = encodings
        self.socket.sendall(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))
        self.request(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the server closed the connection")
            data += piece
        return data

    def request(self, incremental=True):
        self.socket.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def rectangle(self):
        x, y, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
        if encoding == RAW:
            for row in range(height):
                at = 4 * ((y + row) * self.width + x)
                self.pixels[at : at + 4 * width] = self.read(4 * width)
        elif encoding in (DESKTOP_SIZE, EXTENDED_SIZE):
            if encoding == EXTENDED_SIZE:
                self.read(16 * self.read(4)[0])
            self.known.add(encoding)
            self.width, self.height = width, height
            self.pixels = bytearray(4 * width * height)
        elif encoding == CURSOR:
            self.read(4 * width * height + (width + 7) // 8 * height)
        elif encoding in (QEMU_KEYS, QEMU_POINTER):
            self.known.add(encoding)
        else:
            raise ValueError(f"encoding {encoding}, which was not asked for")

    def message(self):
        """Wait for the server's next message; whether it is an update. Asks for another then."""
        kind = self.read(1)[0]
        if kind == 0:
            for _ in range(struct.unpack(">xH", self.read(3))[0]):
                self.rectangle()
            self.updates += 1
            self.request()
        if kind == 3:
            length = struct.unpack(">3xi", self.read(7))[0]
            if length >= 0:
                self.cut_text = self.read(length).decode("latin-1")
            else:
                self.clipboard_message(self.read(-length))
        return kind == 0

    def update(self):
        """Wait for the next update; what else the server sends is passed over."""
        while not self.message():
            pass

    def clipboard_send(self, flags, data=b""):
        self.socket.sendall(struct.pack(">B3xiI", 6, -4 - len(data), flags) + data)

    def clipboard_message(self, message):
        """Of the extended clipboard: what there is is asked for."""
        flags = struct.unpack(">I", message[:4])[0]
        if flags & CAPS:
            self.extended = True
            self.clipboard_send(CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT, bytes(4))
        elif flags & NOTIFY and flags & TEXT:
            self.clipboard_send(REQUEST | TEXT)
        elif flags & PROVIDE:
            data = zlib.decompressobj().decompress(message[4:])
            size = struct.unpack(">I", data[:4])[0]
            text = data[4 : 4 + size]
            assert len(text) == size and text.endswith(b"\0"), data
            self.cut_text = text[:-1].decode().replace("\r\n", "\n")

    def copy(self, text):
        if CLIPBOARD in self.encodings:
            while not self.extended:
                self.message()
            data = text.replace("\n", "\r\n").encode() + b"\0"
            packer = zlib.compressobj()  # flushed and not ended, as clients do it
            packed = packer.compress(struct.pack(">I", len(data)) + data) + packer.flush(zlib.Z_SYNC_FLUSH)
            self.clipboard_send(PROVIDE | TEXT, packed)
        else:
            data = text.encode("latin-1")
            self.socket.sendall(struct.pack(">B3xI", 6, len(data)) + data)

    def pasted(self):
        """Wait for the server's text; that."""
        while self.cut_text is None:
            self.message()
        text, self.cut_text = self.cut_text, None
        return text

    def rgb(self):
        """The picture as bytes of red, green and blue."""
        out = bytearray(3 * self.width * self.height)
        out[0::3], out[1::3], out[2::3] = self.pixels[2::4], self.pixels[1::4], self.pixels[0::4]
        return bytes(out)

    def key(self, keysym, down):
        self.socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

    def type(self, text):
        for character in text:
            self.key(ord(character), True)
            self.key(ord(character), False)

    def key_code(self, code, down):
        self.socket.sendall(struct.pack(">BBHII", 255, 0, down, 0, code))

    def pointer(self, buttons, x, y):
        self.socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))
