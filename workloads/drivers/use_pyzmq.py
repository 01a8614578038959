"""pyzmq: request and reply, publish and subscribe, a pipeline of workers, over inproc, ipc and TCP; polling and a large message."""

import os
import tempfile
import threading

import zmq

context = zmq.Context(io_threads=1)


def replies(address, n):
    with context.socket(zmq.REP) as s:
        s.connect(address)
        for _ in range(n):
            s.send_json({"square": s.recv_json()["n"] ** 2})


def requests(address, n=200):
    with context.socket(zmq.REQ) as s:
        port = s.bind(address)
        thread = threading.Thread(target=replies, args=(s.get_string(zmq.LAST_ENDPOINT), n))
        thread.start()
        total = 0
        for i in range(n):
            s.send_json({"n": i})
            total += s.recv_json()["square"]
        thread.join()
    assert total == sum(i * i for i in range(n))
    del port
    print(address.partition(":")[0], total)


def published():
    with context.socket(zmq.XPUB) as pub, context.socket(zmq.SUB) as sub:
        pub.bind("inproc://news")
        sub.connect("inproc://news")
        sub.subscribe(b"even")
        assert pub.recv() == b"\x01even"
        for i in range(20):
            pub.send_multipart([b"even" if i % 2 == 0 else b"odd", str(i).encode()])
        got = [int(sub.recv_multipart()[1]) for _ in range(10)]
    assert got == list(range(0, 20, 2))
    print("published", got)


def worker(source, sink):
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.connect(source)
        push.connect(sink)
        while (message := pull.recv()) != b"end":
            push.send(str(int(message) * 2).encode())


def pipeline(folder):
    source, sink = f"ipc://{folder}/source", f"ipc://{folder}/sink"
    with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        push.bind(source)
        pull.bind(sink)
        workers = [threading.Thread(target=worker, args=(source, sink)) for _ in range(2)]
        for w in workers:
            w.start()
        for i in range(300):
            push.send(str(i).encode())
        total = sum(int(pull.recv()) for _ in range(300))
        while any(w.is_alive() for w in workers):
            push.send(b"end")
            for w in workers:
                w.join(0.1)
    assert total == 2 * sum(range(300))
    print("pipeline", total)


def large_and_idle():
    with context.socket(zmq.PAIR) as a, context.socket(zmq.PAIR) as b:
        port = a.bind_to_random_port("tcp://127.0.0.1")
        b.connect(f"tcp://127.0.0.1:{port}")
        blob = os.urandom(4 << 20)
        b.send(blob, copy=False)
        assert a.recv() == blob
        assert a.poll(50) == 0
        b.send(b"x")
        assert a.poll(30_000) == zmq.POLLIN
    print("large and idle")


requests("inproc://ask")
requests("tcp://127.0.0.1:*")
with tempfile.TemporaryDirectory() as folder:
    requests(f"ipc://{folder}/ask")
    pipeline(folder)
published()
large_and_idle()
context.term()
