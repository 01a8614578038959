"""multiprocess: a pool that runs closures, a manager, shared memory with a lock, a queue between processes, and a killed worker."""

import signal

import multiprocess as mp


def adds(counter, lock, times):
    for _ in range(times):
        with lock:
            counter.value += 1


def produces(queue, n):
    for i in range(n):
        queue.put((i, "x" * i))
    queue.put(None)


def sleeps():
    signal.pause()


def pool():
    factor = 7
    with mp.Pool(2) as p:
        got = p.map(lambda n: n * factor, range(100), chunksize=7)
        assert got == [n * 7 for n in range(100)]
        assert sorted(p.imap_unordered(lambda n: n * n, range(20))) == [n * n for n in range(20)]
    print("pool", sum(got))


def shared():
    counter, lock = mp.Value("i", 0, lock=False), mp.Lock()
    workers = [mp.Process(target=adds, args=(counter, lock, 300)) for _ in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert counter.value == 600 and [w.exitcode for w in workers] == [0, 0]
    print("shared", counter.value)


def queue():
    q = mp.Queue()
    p = mp.Process(target=produces, args=(q, 500))
    p.start()
    got = list(iter(q.get, None))
    p.join()
    assert got == [(i, "x" * i) for i in range(500)]
    print("queue", len(got))


def manager():
    with mp.Manager() as m:
        words = m.dict()
        p = mp.Process(target=lambda d: d.update(answer=42, cube=[n**3 for n in range(5)]), args=(words,))
        p.start()
        p.join()
        assert dict(words) == {"answer": 42, "cube": [0, 1, 8, 27, 64]}
        print("manager", sorted(words.keys()))


def killed():
    p = mp.Process(target=sleeps)
    p.start()
    p.terminate()
    p.join()
    assert p.exitcode == -signal.SIGTERM, p.exitcode
    print("killed", p.exitcode)


if __name__ == "__main__":
    mp.set_start_method("fork")
    pool()
    shared()
    queue()
    manager()
    killed()
