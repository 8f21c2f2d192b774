"""The command itself: what it prints, and that it starts again by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from queue import Queue
from threading import Thread

import pytest

from kartoteka_runtime.testing.running_app import write_app

SECONDS = 90  # on a machine that is busy with other things
BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""


class Terminal:
    """The command, running, and what it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "kartoteka_runtime.cli", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self):
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)

    def until(self, text):
        """Return what is printed up to a line with a text."""
        printed = ""
        while text not in printed:
            printed += self._lines.get(timeout=SECONDS)
        return printed

    def end(self):
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        self._reading.join()

    def stop(self):
        """Press Ctrl+C and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)


@pytest.fixture
def folder(tmp_path):
    """Give an app that was never published."""
    return write_app(tmp_path / "app", metadata={"entities/boat.yaml": BOAT})


@pytest.fixture
def terminal(folder):
    """Give the dev server of the app."""
    running = Terminal("serve", folder, "--dev", "--port", "0")
    yield running
    running.end()


def test_it_publishes_an_app_that_was_never_published(folder, terminal):
    assert "Nobody can sign in yet" in terminal.until("Test is at http://localhost:")
    file = folder / "metadata" / "entities" / "boat.yaml"

    file.write_text(BOAT + "  - { name: masts, type: text, label: { en: Masts } }\n")
    assert "new field boat.masts" in terminal.until("Published 2 in ")

    file.write_text(BOAT.replace("type: text", "type: txet"))
    assert "boat.yaml:8:25  field/unknown-type" in terminal.until("1 problem in 1 file.")

    file.write_text(BOAT)
    printed = terminal.until("/dev/status asks whether to.")
    assert "field boat.masts is retired" in printed
    assert terminal.stop() == 0
    assert "Stopped." in terminal.until("Stopped.")


def test_it_starts_again_when_the_apps_settings_changed(folder, terminal):
    address = terminal.until("is at ").rpartition("is at ")[2].split()[0]
    settings = folder / "kartoteka.yaml"
    text = settings.read_text()

    settings.write_text(text + "plugins: [\n")
    assert "not started again for kartoteka.yaml" in terminal.until("^")
    settings.write_text(text.replace("label: Test", "label: Harbour"))

    assert f"Harbour is at {address}" in terminal.until("Harbour is at ")
    assert terminal.stop() == 0


def test_it_serves_with_one_process(folder):
    done = subprocess.run(
        [sys.executable, "-m", "kartoteka_runtime.cli", "serve", folder, "--dev", "--workers", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--dev serves with one process" in done.stderr
