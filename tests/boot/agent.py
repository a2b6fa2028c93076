"""SPICE's guest agent, played by the shell of a guest: its messages as the guest's printf writes them and od shows them.

Layouts and figures are those of the protocol's description (spice/vd_agent.h).
"""

import struct

CLIPBOARD, CAPABILITIES, GRAB, REQUEST = 4, 6, 7, 8
ON_DEMAND = 1 << 5 | 1 << 6  # capabilities: clipboard by demand, with selections
TEXT = bytes(4) + struct.pack("<I", 1)  # of the clipboard's selection, in UTF-8


def message(kind, data):
    """In one chunk, for the client's port."""
    content = struct.pack("<IIQI", 1, kind, 0, len(data)) + data
    return struct.pack("<II", 1, len(content)) + content


class Agent:
    """`run` runs a command in the guest's shell and returns what it printed."""

    def __init__(self, run):
        self.run = run
        run("modprobe virtio_console; until name=$(grep -lx com.redhat.spice.0 /sys/class/virtio-ports/*/name); do sleep 1; done; "
            "exec 3<>/dev/$(basename $(dirname $name))", 120)

    def say(self, kind, data):
        self.run("printf '" + "".join(f"\\{byte:03o}" for byte in message(kind, data)) + "' >&3")

    def hear(self, size):
        """A message's kind and data, of which there are to be `size` bytes."""
        printed = self.run(f"dd bs=1 count={28 + size} <&3 2>/dev/null | od -An -v -tx1")
        content = bytes(int(word, 16) for line in printed.splitlines() for word in line.split()
                        if len(word) == 2 and not set(word) - set("0123456789abcdef"))
        port, length, protocol, kind, _, claimed = struct.unpack("<IIIIQI", content[:28])
        assert (port, length, protocol, claimed) == (1, 20 + size, 1, size), content
        return kind, content[28:]
