"""
Runs one program on the tests of one LiveCodeBench problem. It follows lcb_runner/evaluation/testing_util.py
of LiveCodeBench (commit 28fef95; MIT licence, Copyright (c) 2024 LiveCodeBench) step by step, because its
quirks are part of the verdicts: how standard input is replaced, what a time limit interrupts, and what the
program finds disabled.

Verdicts, one a test, up to the first that is not True: True, False (a function's wrong answer), -2 (wrong
answer), -3 (time limit), -4 (error). None: the program ended the interpreter.
"""
import ast
import builtins
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import threading
import time
from decimal import Decimal
from io import StringIO
from types import ModuleType
from unittest.mock import mock_open, patch

STAR_MODULES = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json builtins typing"
).split()
PLAIN_MODULES = [name for name in STAR_MODULES if name not in ("builtins", "typing")]
PRELUDE = (
    "".join(f"from {name} import *\n" for name in STAR_MODULES)
    + "".join(f"import {name}\n" for name in PLAIN_MODULES)
    + "sys.setrecursionlimit(50000)\n"
)

exec(PRELUDE, {})  # The modules load now, not within a program's time.

DISABLED_IN_OS = (
    "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames truncate "
    "replace unlink fchmod fchown chmod chown chroot lchflags lchmod lchown getcwd chdir"
).split()
MISSING_MODULES = "ipdb joblib resource psutil tkinter".split()


sleep_at_once = time.sleep


def sleep(seconds):
    """In slices: Pyodide looks for the alarm only between byte codes."""
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 0:
        sleep_at_once(min(rest, 0.02))


def run_at_once(thread):
    """Pyodide has no threads; programs start one for its larger stack, and wait for it."""
    try:
        thread.run()
    except Exception:
        pass


class TimeoutException(Exception):
    pass


def on_alarm(signum, frame):
    print("timeout occured: alarm went off")
    raise TimeoutException


class Stdin:
    """Standard input as the original replaces it."""

    def __init__(self, text):
        self.text = text
        self.buffer = StdinBuffer(text)
        self._stringio = StringIO(text)

    def read(self, *args):
        return self.text

    def readline(self, *args):
        return self._stringio.readline(*args)

    def readlines(self, *args):
        return self.text.split("\n")

    def __getattr__(self, name):
        return getattr(self._stringio, name)


class StdinBuffer:
    def __init__(self, text):
        self.text = text.encode("utf-8")

    def read(self, *args):
        return self.text

    def readline(self, *args):
        return self.text.split(b"\n")[0] + b"\n"


def without_main_guard(code):
    try:
        tree = ast.parse(code)
        last = tree.body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test).strip() == "__name__ == '__main__'":
            return ast.unparse(tree.body[:-1]) + "\n" + ast.unparse(last.body)
    except Exception:
        pass
    return code


def as_function(code):
    """The program as the body of a function, with its imports before it."""
    try:
        tree = ast.parse(code)
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        function = ast.FunctionDef(
            name="wrapped_function",
            args=ast.arguments(
                posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]
            ),
            body=[node for node in tree.body if node not in imports],
            decorator_list=[],
            lineno=-1,
        )
        return PRELUDE + "\n" + ast.unparse(imports) + "\n" + ast.unparse(function)
    except Exception:
        return code


def load(code, seconds):
    """@raises whatever the program's top level raises"""
    alarm(seconds)
    try:
        module = ModuleType("tmp_sol", "")
        exec(code, module.__dict__)
        return module.Solution() if "class Solution" in code else module
    finally:
        alarm(0)


def error_verdict(error):
    return -3 if "timeoutexception" in repr(error).lower() else -4


def call(function, text):
    """Calls `function` with `text` as its standard input and as the content of every file."""
    lines = iter(text.split("\n"))

    @patch("builtins.open", mock_open(read_data=text))
    @patch("sys.stdin", Stdin(text))
    @patch("sys.stdin.readline", lambda *args: next(lines))
    @patch("sys.stdin.readlines", lambda *args: text.split("\n"))
    @patch("sys.stdin.read", lambda *args: text)
    def inner():
        try:
            return function()
        except SystemExit:
            pass

    return inner()


def stripped_lines(text):
    return [line.strip() for line in text.strip().split("\n")]


def decimals(line):
    try:
        return [Decimal(word) for word in line.split()]
    except Exception:
        return None


def same_output(own, expected):
    own, expected = stripped_lines(own), stripped_lines(expected)
    if len(own) != len(expected):
        return False
    for a, b in zip(own, expected):
        if a != b:
            numbers = decimals(a)
            if numbers is None or numbers != decimals(b):
                return False
    return True


def grade_stdin(code, inputs, outputs, seconds):
    module = load(as_function(without_main_guard(code)), seconds)
    if not hasattr(module, "wrapped_function"):
        raise TypeError("no program")
    results = []
    for text, expected in zip(inputs, outputs):
        stdout, sys.stdout = sys.stdout, StringIO()
        # A program that closes its standard output must not lose what it wrote.
        sys.stdout.close = lambda x: 1
        written = sys.stdout
        alarm(seconds)
        try:
            call(module.wrapped_function, text)
        except Exception as error:
            return results + [error_verdict(error)]
        finally:
            alarm(0)
            sys.stdout = stdout
        if not same_output(written.getvalue(), expected):
            return results + [-2]
        results.append(True)
    return results


def grade_function(code, inputs, outputs, name, seconds):
    method = getattr(load(PRELUDE + "\n\n" + code, seconds), name, None)
    if method is None:
        raise TypeError("no such function")
    arguments = [[json.loads(line) for line in text.split("\n")] for text in inputs]
    results = []
    for own, expected in zip(arguments, [json.loads(text) for text in outputs]):
        alarm(seconds)
        try:
            value = method(*own)
            alarm(0)
            # A tuple is as good as a list.
            result = (list(value) if isinstance(value, tuple) else value) == expected
            results.append(result)
            if not result:
                return results
        except Exception as error:
            return results + [error_verdict(error)]
        finally:
            alarm(0)
    return results


def disable():
    sys.set_int_max_str_digits(50000)
    site.setquit()
    builtins.quit = None
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in DISABLED_IN_OS:
        setattr(os, name, None)
    shutil.rmtree = shutil.move = shutil.chown = None
    subprocess.Popen = None
    time.sleep = sleep
    threading.stack_size = lambda *args: 0
    threading.Thread.start = run_at_once
    threading.Thread.join = lambda *args, **kwargs: None
    builtins.help = None
    for name in MISSING_MODULES:
        sys.modules[name] = None


signal.signal(signal.SIGALRM, on_alarm)
disable()


def grade(task):
    """`task`: JSON with code, inputs, outputs, function (or null) and seconds a test. Returns JSON."""
    task = json.loads(task)
    code, inputs, outputs, seconds = (task[k] for k in ("code", "inputs", "outputs", "seconds"))
    # The program may replace any of these.
    dumps, note, boolean, number, kind = json.dumps, Exception, bool, int, type
    try:
        if task["function"] is None:
            results = grade_stdin(code, inputs, outputs, seconds)
        else:
            results = grade_function(code, inputs, outputs, task["function"], seconds)
        return dumps([r if kind(r) is number and r < 0 else boolean(r) for r in results])
    except note:
        # The original's handler needs this name: without it, the original ends without an answer.
        return "[-4]" if "Exception" in builtins.__dict__ else "null"
    except BaseException:
        return "null"
