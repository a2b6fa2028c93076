"""An X server without a screen (Xvfb), for tests of what a window does."""

import contextlib
import os
import subprocess


@contextlib.contextmanager
def x_server(*options):
    """Its display's name. The options are Xvfb's."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset", *options]
    with subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as numbers:
                yield ":" + numbers.readline().strip()
        finally:
            server.terminate()


class Clipboard:
    """The clipboard of an X server, through xclip."""

    def __init__(self, display):
        self.environment = {**os.environ, "DISPLAY": display}
        self.command = ["xclip", "-selection", "clipboard"]

    def copy(self, text):
        subprocess.run([*self.command, "-i"], input=text.encode(), env=self.environment, check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def paste(self):
        """What there is; nothing when nobody has copied anything, or its owner does not answer."""
        try:
            return subprocess.run([*self.command, "-o"], env=self.environment, capture_output=True, check=False,
                                  timeout=20).stdout.decode()
        except subprocess.TimeoutExpired:
            return ""
