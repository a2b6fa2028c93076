#!/usr/bin/env python3
"""Configuration files: what they mean, what they refuse, and that every option is a key and the reverse.

usage: config_test.py VM-CLI
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

USAGE, IMAGE = 2, 3
PROGRAM = None
# Options that are about configuration files, or about the command line itself.
WITHOUT_KEY = {"config", "print-config", "help"}


class Config(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-config-")

    def tearDown(self):
        self.folder.cleanup()

    def file(self, text):
        path = os.path.join(self.folder.name, "vm.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def run_cli(self, *words):
        return subprocess.run([PROGRAM, "run", *words], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)

    def printed(self, *words):
        """What --print-config writes, as an independent reader of TOML understands it."""
        result = self.run_cli(*words, "--print-config")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return tomllib.loads(result.stdout)["vm"]

    def means(self, text, **expected):
        self.assertEqual(self.printed("--config", self.file(text)), expected)

    def refused(self, line, mentions, text):
        """One sentence that begins with the file and the line."""
        result = self.run_cli("--config", self.file(text))
        lines = result.stderr.splitlines()
        self.assertEqual((result.returncode, len(lines)), (USAGE, 1), result.stderr)
        self.assertIn(f"vm.toml:{line}:", lines[0])
        for mention in mentions:
            self.assertIn(mention, lines[0])

    # --- meaning ---

    def test_values(self):
        self.means('[vm]\nmemory = "512M"\nvcpus = 3\nverbose = true\npaused = false\nname = "a \\"b\\""\n',
                   memory=512 << 20, vcpus=3, verbose=True, name='a "b"')
        self.means("[vm]\nmemory = 1048576\n", memory=1 << 20)
        self.means("[vm]\ngdb = 4321\n", gdb="4321")
        self.means("[vm]\ngdb = true\n", gdb="")
        self.means('[vm]\nnet = "none"\n', net=["none"])
        self.means('[vm]\nserial = ["none", "pty"]\n', serial=["none", "pty"])

    def test_files_lie_beside_the_configuration(self):
        here = self.folder.name
        self.means('[vm]\nkernel = "k"\ninitrd = "/i"\nfirmware = "none"\ndisk = ["d,readonly"]\ndtb = "sub/t"\n',
                   kernel=f"{here}/k", initrd="/i", firmware="none", disk=[f"{here}/d,readonly"], dtb=f"{here}/sub/t")
        self.means('[vm]\nfirmware = "f"\n', firmware=f"{here}/f")

    def test_command_line_wins(self):
        path = self.file('[vm]\nvcpus = 2\nmemory = "1G"\ndisk = ["/a"]\n')
        for words in (["--config", path, "--cpus", "4", "--disk", "/b"], ["--cpus=4", "--disk=/b", f"--config={path}"]):
            self.assertEqual(self.printed(*words), {"vcpus": 4, "memory": 1 << 30, "disk": ["/a", "/b"]})

    def test_type1(self):
        self.means('[vm.type1]\nvirtualization = "none"\nnested = false\n')

    def test_virtio_devices(self):
        self.means('[[vm.virtio.devices]]\ntype = "blk"\npath = "/a,b"\nformat = "raw"\nreadonly = true\n'
                   '[[vm.virtio.devices]]\ntype = "net"\ndriver = "user"\nhostfwd = ["tcp::1-:2", "udp::3-:4"]\n'
                   '[[vm.virtio.devices]]\ntype = "rng"\n',
                   mode="virtio", disk=["/a,,b,format=raw,readonly"], net=["user,hostfwd=tcp::1-:2,hostfwd=udp::3-:4"])
        self.means('[[vm.virtio.devices]]\ntype = "console"\ndriver = "file"\npath = "/log"\n',
                   mode="virtio", serial=["stdio", "file:/log"])
        self.means('[[vm.virtio.devices]]\ntype = "console"\ndriver = "stdio"\n', mode="virtio", serial=["none", "stdio"])
        self.means('[[vm.virtio.devices]]\ntype = "port"\nname = "a.b"\ndriver = "unix"\npath = "/s"\nserver = true\n',
                   mode="virtio", port=["a.b=unix:/s,server"])
        self.means('[vm]\nmode = "type1"\n[[vm.virtio.devices]]\ntype = "rng"\n', mode="type1")

    # --- every option ---

    def options(self):
        text = self.run_cli("--help").stdout
        found = re.findall(r"^  --([a-z0-9-]+)((?: [^ ]+)?)", text, re.MULTILINE)
        self.assertGreater(len(found), 20)
        return [(name, argument.strip()) for name, argument in found]

    def test_every_option_is_a_key(self):
        for name, argument in self.options():
            if name in WITHOUT_KEY:
                self.refused(2, [name.replace("-", "_")], f"[vm]\n{name.replace('-', '_')} = true\n")
                continue
            value = "1" if argument in ("N", "SECONDS") else "1M" if argument == "SIZE" else "/x,\"y\"\\"
            words = [f"--{name}={value}"] if argument else [f"--{name}"]
            with self.subTest(option=name):
                told = self.printed(*words)
                self.assertEqual(len(told), 1, told)
                path = self.file(self.run_cli(*words, "--print-config").stdout)
                self.assertEqual(self.printed("--config", path), told)

    # --- refusals ---

    def test_wrong_syntax(self):
        self.refused(2, ["not TOML"], "[vm]\nmemory =\n")
        self.refused(1, ["not TOML"], "[vm\n")
        self.refused(3, ["not TOML"], "[vm]\nvcpus = 1\nvcpus = 2\n")
        self.refused(1, ["not TOML"], "a=" + "[" * 100000)

    def test_unknown_keys(self):
        self.refused(3, ["memroy", "[vm]", "did you mean memory?"], '[vm]\n\nmemroy = "1G"\n')
        self.refused(1, ["kernel", "[vm]"], 'kernel = "x"\n')
        self.refused(2, ["tranport", "did you mean transport?"], '[vm.virtio]\ntranport = "pci"\n')
        self.refused(3, ["paht", "did you mean path?"], '[[vm.virtio.devices]]\ntype = "blk"\npaht = "x"\n')
        self.refused(2, ["gpu9"], '[[vm.virtio.devices]]\ntype = "gpu9"\n')

    def test_wrong_types(self):
        self.refused(2, ["vcpus", "a string", "an integer"], '[vm]\nvcpus = "2"\n')
        self.refused(2, ["verbose", "an integer", "true or false"], "[vm]\nverbose = 1\n")
        self.refused(2, ["kernel", "a boolean", "a string"], "[vm]\nkernel = true\n")
        self.refused(2, ["memory", "512M"], "[vm]\nmemory = 0.5\n")
        self.refused(4, ["an integer", "a string"], '[vm]\ndisk = [\n"a",\n3]\n')
        self.refused(1, ["vm is an integer", "a table"], "vm = 1\n")
        self.refused(2, ["virtio is a string", "a table"], '[vm]\nvirtio = "x"\n')
        self.refused(2, ["devices", "array of tables"], '[vm.virtio]\ndevices = "x"\n')
        self.refused(2, ["kernel"], '[vm]\nkernel = "a\\u0000b"\n')

    def test_wrong_values(self):
        self.refused(2, ["--memory lots"], '[vm]\nmemory = "lots"\n')
        self.refused(2, ["--cpus 0"], "[vm]\nvcpus = 0\n")
        self.refused(2, ["--cpus -1"], "[vm]\nvcpus = -1\n")
        self.refused(1, ["has no type"], '[[vm.virtio.devices]]\npath = "x"\n')
        self.refused(1, ["needs the key path"], '[[vm.virtio.devices]]\ntype = "blk"\n')
        self.refused(2, ["vmx", "not there yet"], '[vm.type1]\nvirtualization = "vmx"\n')
        self.refused(2, ["nested"], "[vm.type1]\nnested = true\n")

    def test_missing_file(self):
        result = self.run_cli("--config", "/nonexistent/vm.toml")
        self.assertEqual(result.returncode, IMAGE)
        self.assertIn("/nonexistent/vm.toml", result.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
