"""A guest's serial console for tests: start vm-cli, wait for text, type, and give up in time."""

import os
import re
import select
import subprocess
import time

# Escape sequences of terminals: they come between words and would split them.
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>]|\][^\x07]*\x07)")

# What the shell of a root file system of ours (scripts/make-rootfs) asks with, or of an initramfs (make-initramfs). The
# kernel may say something right behind it, so nothing can be expected of where the output ends.
PROMPT = r"(?:triarch:\S*|initramfs)# "


class Gone(Exception):
    """The guest ended, or took too long, before it printed what was waited for."""


class Console:
    def __init__(self, command, environment=None):
        self.command = command
        self.output = b""
        self.clean_from = 0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0, env=environment)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def text(self):
        return ESCAPES.sub(b"", self.output).decode("utf-8", "replace")

    def fail(self, why):
        raise Gone(f"{why}; the command was {' '.join(self.command)}; the last output was:\n{self.text()[-3000:]}")

    def expect(self, pattern, timeout):
        """Wait until the output since the last match has `pattern` (a regular expression); the match."""
        deadline = time.monotonic() + timeout
        while True:
            text = self.text()
            match = re.compile(pattern).search(text, self.clean_from)
            if match:
                self.clean_from = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                self.fail(f"{pattern!r} did not come within {timeout} s")
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            if ready:
                piece = self.process.stdout.read(65536)
                if piece == b"":
                    self.fail(f"the guest ended with status {self.process.wait()} before {pattern!r} came")
                self.output += piece or b""

    def send(self, text):
        self.process.stdin.write(text.encode())

    def shell(self, timeout, *commands):
        """Wait for the shell and make its prompt something that nothing else prints; then run the commands."""
        self.expect(PROMPT, timeout)
        self.send("; ".join(["PS1='rea''dy> '", "stty -echo", *commands]) + "\n")
        self.expect("ready> ", timeout)

    def run(self, command, timeout):
        """Run a command in the guest's shell; what it printed."""
        start = self.clean_from
        self.send(command + "\n")
        end = self.expect("ready> ", timeout).start()
        return self.text()[start:end]

    def wait(self, timeout):
        """The exit status; what is printed until then is kept."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self.fail(f"the guest did not end within {timeout} s")
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            piece = self.process.stdout.read(65536) if ready else None
            if piece == b"":
                return self.process.wait(timeout=left)
            self.output += piece or b""
