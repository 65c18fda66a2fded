"""The program of the README does what it says, and the header has no code that is no exception here."""

import os
import re
import signal
import sys

import twinring
from support import Case, Child, until

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "README.md")


class Readme(Case):
    """What is written there."""

    def test_the_program_shouts(self):
        with open(README, encoding="utf-8") as readme:
            program = readme.read().split("```python\n")[1].split("```")[0]
        path = os.path.join(self.directory, "shout.py")
        with open(path, "w", encoding="utf-8") as script:
            script.write(program.replace('"shouting"', repr(self.path)))
        server = Child(sys.executable, path, "serve")
        self.addCleanup(server.end)
        client = Child(sys.executable, path)
        self.addCleanup(client.end)
        self.assertEqual(client.finish(), (0, "HELLO, OTHER PROCESS", ""))
        until("the server to sleep", server.sleeps)
        server.send(signal.SIGINT)
        self.assertIn("KeyboardInterrupt", server.finish()[2])


class Codes(Case):
    """The exceptions and the codes of the header."""

    def test_each_code_has_a_class_of_its_own(self):
        codes = {name for name in dir(twinring.errors.lib) if re.fullmatch("TWINRING_[A-Z_]+", name)}
        for group in ("OK", "WAIT_", "TRANSPORT_", "OUTCOME_"):
            codes = {name for name in codes if not name.startswith("TWINRING_" + group)}
        self.assertGreater(len(codes), 20)
        for name in codes:
            kind = twinring.errors.BY_STATUS[getattr(twinring.errors.lib, name)]
            self.assertEqual(kind.status, getattr(twinring.errors.lib, name))
        self.assertEqual(len(set(twinring.errors.BY_STATUS.values())), len(codes))

    def test_everything_that_is_exported_has_a_docstring(self):
        self.assertGreater(len(twinring.__all__), 40)
        for name in twinring.__all__:
            self.assertTrue(getattr(twinring, name).__doc__ or name == "Endpoint", name)
