"""uvloop: a thousand echoes over TCP and a Unix socket, subprocesses, timers in order, signals and DNS of the local host."""

import asyncio
import os
import signal
import socket
import sys
import tempfile

import uvloop

ECHOES, CLIENTS = 1000, 10


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def client(open_connection, n):
    reader, writer = await open_connection()
    for i in range(ECHOES // CLIENTS):
        writer.write(f"client {n} line {i}\n".encode())
        assert await reader.readline() == f"CLIENT {n} LINE {i}\n".encode()
    writer.close()
    await writer.wait_closed()
    return ECHOES // CLIENTS


async def echoes(folder):
    tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    path = os.path.join(folder, "echo.sock")
    unix = await asyncio.start_unix_server(serve, path)
    for name, connect in (("tcp", lambda: asyncio.open_connection("127.0.0.1", port)), ("unix", lambda: asyncio.open_unix_connection(path))):
        done = sum(await asyncio.gather(*(client(connect, n) for n in range(CLIENTS))))
        assert done == ECHOES
        print(name, done)
    tcp.close()
    unix.close()


async def children():
    p = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(sum(int(x) for x in input().split())); raise SystemExit(5)", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await p.communicate(b"1 2 3\n")
    assert (out, p.returncode) == (b"6\n", 5)
    print("subprocess", out.decode().strip(), p.returncode)


async def timers():
    order = []
    loop = asyncio.get_running_loop()
    for n in (5, 1, 4, 2, 3):
        loop.call_later(n * 0.03, order.append, n)
    await asyncio.sleep(0.3)
    assert order == [1, 2, 3, 4, 5], order
    print("timers", order)


async def signals():
    got = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 30)
    found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    assert found[0][4] == ("127.0.0.1", 80)
    print("signal and address")


async def main():
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    with tempfile.TemporaryDirectory() as folder:
        await echoes(folder)
    await children()
    await timers()
    await signals()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
