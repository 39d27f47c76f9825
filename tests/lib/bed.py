# SPDX-License-Identifier: LGPL-2.1-or-later
"""The beds of tests/bed for tests in Python; perl/t/lib/TestBed.pm is Perl's."""
import os
import re
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Far longer than it takes: a machine that is doing much else must not fail.
PATIENCE = 300


class Skip(Exception):
    """Why there is no bed on this machine."""


def _lines(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _failed(what, status, errors):
    if status == 77:
        raise Skip(errors.partition("SKIP: ")[2].split("\n")[0])
    raise RuntimeError(f"{what} ended with status {status}: {errors}")


class Daemon:
    """A private QEMU daemon in a folder that is absent; it ends with the `with`."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options

    def __enter__(self):
        self._process = subprocess.Popen(
            [f"{ROOT}/tests/bed/qemu-daemon", "run", self.folder, *self.options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        text, last = "", "LOG=" if "--private-net" in self.options else "URI_TCP="
        for line in self._process.stdout:
            text += line
            if line.startswith(last):
                break
        else:
            errors = self._process.stderr.read()
            _failed("qemu-daemon", self._process.wait(), errors)
        self.uri = _lines(text)["URI"]
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()

    def guest_xml(self, name, uuid):
        """A guest that boots in seconds; its image is built the first time."""
        built = subprocess.run([f"{ROOT}/tests/bed/guest-image", f"{ROOT}/target/guest-image"],
                               capture_output=True, text=True, check=False)
        if built.returncode:
            _failed("guest-image", built.returncode, built.stderr)
        values = dict(_lines(built.stdout), NAME=name, UUID=uuid, DIR=self.folder)
        with open(f"{ROOT}/tests/bed/guest.xml.in", encoding="utf-8") as opened:
            return re.sub(r"@(\w+)@", lambda match: values[match.group(1)], opened.read())

    def wait_for_guest(self, name):
        """Waits until the guest says on its console that it is up."""
        until(lambda: "VKVM-GUEST-READY" in _read(f"{self.folder}/{name}.log"), "the guest")


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except FileNotFoundError:
        return ""


def until(condition, what):
    """Waits until a condition is met."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {PATIENCE} seconds in vain for {what}")
        time.sleep(0.1)
