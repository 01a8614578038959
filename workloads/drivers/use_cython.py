"""cython: translate a module, compile it with the C compiler, load it, and compare it with the same code in Python."""

import importlib.util
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCE = '''
# cython: language_level=3, boundscheck=True
from libc.math cimport sqrt

cdef class Stack:
    cdef list items
    def __init__(self): self.items = []
    cpdef push(self, x): self.items.append(x)
    cpdef pop(self): return self.items.pop()

def primes(int limit):
    cdef int n, d
    cdef bint prime
    found = []
    for n in range(2, limit):
        prime = True
        for d in range(2, <int>sqrt(n) + 1):
            if n % d == 0:
                prime = False
                break
        if prime:
            found.append(n)
    return found

def guarded(int[:] a, int i):
    return a[i]
'''


def build(folder):
    source = folder / "fastmod.pyx"
    source.write_text(SOURCE)
    subprocess.run([sys.executable, "-m", "cython", "-3", str(source)], check=True)
    assert "PyInit_fastmod" in (folder / "fastmod.c").read_text()
    module = folder / f"fastmod{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_paths()["include"]
    command = ["gcc", "-O0", "-w", "-shared", "-fPIC", f"-I{include}", "-o", str(module), str(folder / "fastmod.c"), "-lm"]
    subprocess.run(command, check=True)
    return module


def load(file):
    spec = importlib.util.spec_from_file_location("fastmod", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


with tempfile.TemporaryDirectory() as temp:
    fast = load(build(Path(temp)))
    plain = [n for n in range(2, 20_000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    assert fast.primes(20_000) == plain
    stack = fast.Stack()
    for x in "abc":
        stack.push(x)
    assert stack.pop() == "c"
    import array

    numbers = array.array("i", [4, 5, 6])
    assert fast.guarded(numbers, -1) == 6
    try:
        fast.guarded(numbers, 3)
        raise AssertionError("read past the end")
    except IndexError as e:
        print("bounds", e)
    print("primes", len(plain), plain[-1])
