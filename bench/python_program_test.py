"""Does a model in Python behave as one in C++ does, also when it goes wrong?

    python3 python_program_test.py PROGRAM LIBRARY     (ctest knows both)
"""

import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, LIBRARY = sys.argv[1:3]
RUNNER = Path(__file__).with_name("python_program.py")
CELL = ["--scenario", "fanout", "--agents", "4", "--time-scale", "0.0001"]


class PythonProgram(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.sample_file = self.folder / "sample.jsonl"

    def run_program(self, *command):
        done = subprocess.run([*command, *CELL, "--sample", "sample.jsonl"],
                              cwd=self.folder, capture_output=True, text=True)
        return done, json.loads(self.sample_file.read_text())

    def run_planted(self, body, *flags):
        """A model whose `run` is `body`, in the suite's program."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (self.folder / "planted.py").write_text(
            "from bench.model import Model\n"
            'MODEL = Model("planted", "reference", "workers", "1")\n'
            f"def run(workload, resources, ledger):\n{lines}")
        return self.run_program(sys.executable, "-ISB", RUNNER, LIBRARY, "planted.py", "planted",
                                *flags)

    def test_it_runs_from_any_folder_and_proves_its_work(self):
        done, sample = self.run_program(PROGRAM, "--workers", "2")
        self.assertEqual((done.returncode, sample["status"]), (0, "ok"), done.stderr)

    def test_a_bad_flag_is_one_line_and_exit_2(self):
        done = subprocess.run([PROGRAM, "--nonesuch"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_it_says_what_it_is(self):
        about = json.loads(subprocess.run([PROGRAM, "--about"], capture_output=True).stdout)
        self.assertEqual(about["rung"], "reference")
        self.assertRegex(about["library"], r"^\w+ 3\.\d+\.\d+")

    def test_an_exception_is_a_crash_with_its_text(self):
        done, sample = self.run_planted("raise ValueError('planted')")
        self.assertEqual((done.returncode, sample["status"]), (1, "crash"))
        self.assertEqual(sample["reason"], "ValueError: planted")
        self.assertNotIn("Traceback", done.stderr)

    def test_what_this_machine_cannot_do_is_skipped(self):
        for error in ("MemoryError()", "RuntimeError(\"can't start new thread\")"):
            self.sample_file.unlink(missing_ok=True)
            done, sample = self.run_planted(f"raise {error}")
            self.assertEqual((done.returncode, sample["status"]), (77, "skipped"), error)

    def test_a_model_that_does_nothing_is_invalid(self):
        done, sample = self.run_planted("pass")
        self.assertEqual((done.returncode, sample["status"]), (1, "invalid"))

    def test_every_thread_has_the_cpus_of_the_workers_and_no_more(self):
        done, sample = self.run_planted(
            "import asyncio, os\n"
            "async def look():\n"
            "    return await asyncio.to_thread(os.sched_getaffinity, 0)\n"
            "raise ValueError([len(os.sched_getaffinity(0)), len(asyncio.run(look()))])",
            "--workers", "1")
        self.assertEqual(sample["reason"], "ValueError: [1, 1]")

    def test_a_signal_kills_it_without_a_word_and_without_a_sample(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            child = subprocess.Popen(
                [PROGRAM, "--scenario", "pizza", "--time-scale", "1", "--narrate",
                 "--sample", self.sample_file], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdout.readline()  # it has begun, and will take seconds
            child.send_signal(number)
            _, complaint = child.communicate()
            self.assertEqual((child.returncode, complaint), (-number, b""))
            self.assertFalse(self.sample_file.exists() and self.sample_file.read_text())


if __name__ == "__main__":
    # As in a shell: whoever runs this in the background may have Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(argv=sys.argv[:1])
