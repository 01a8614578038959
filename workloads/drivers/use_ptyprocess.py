"""ptyprocess: talk to a Python prompt and a shell on a terminal: echo, window size, an interrupt, end of file."""

import sys

from ptyprocess import PtyProcessUnicode


def until(p, text):
    seen = ""
    while text not in seen:
        seen += p.read(1)
    return seen


def asks(p, question, answer):
    """Waits for the answer, then for the prompt: a change of the window's size may draw one more prompt at any moment."""
    p.write(question + "\n")
    until(p, answer)
    until(p, "PROMPT>")


def prompt():
    env = {"TERM": "dumb", "PATH": "/usr/bin:/bin", "PYTHON_BASIC_REPL": "1", "HOME": "/tmp"}
    p = PtyProcessUnicode.spawn([sys.executable, "-q", "-i", "-c", "import sys; sys.ps1 = 'PROMPT>'"], env=env, dimensions=(30, 90))
    until(p, "PROMPT>")
    asks(p, "6 * 7", "\n42")
    asks(p, "import os; os.get_terminal_size()", "columns=90, lines=30")
    p.setwinsize(40, 120)
    asks(p, "os.get_terminal_size()", "columns=120, lines=40")
    p.write("print('wait' + 'ing'); import time; time.sleep(100)\n")
    until(p, "waiting\r\n")
    p.sendintr()
    until(p, "KeyboardInterrupt")
    until(p, "PROMPT>")
    p.write("exit(7)\n")
    try:
        while True:
            p.read()
    except EOFError:
        pass
    p.wait()
    assert p.exitstatus == 7, p.exitstatus
    print("prompt: answer, size, interrupt, exit", p.exitstatus)


def echo():
    p = PtyProcessUnicode.spawn(["/bin/cat"])
    p.setecho(False)
    assert p.waitnoecho(timeout=20)
    p.write("quiet\n")
    assert until(p, "\n") == "quiet\r\n"
    p.setecho(True)
    p.write("loud\n")
    until(p, "loud\r\n")
    until(p, "loud\r\n")
    p.sendeof()
    p.wait()
    assert p.exitstatus == 0
    print("echo off and on, end of file")


def hang_up():
    p = PtyProcessUnicode.spawn(["/bin/sh", "-c", "trap 'exit 9' HUP; test -t 0 && echo terminal; while :; do sleep 0.1; done"])
    assert until(p, "\n") == "terminal\r\n"
    p.close(force=False)
    print("hang-up", p.exitstatus, p.signalstatus)


prompt()
echo()
hang_up()
