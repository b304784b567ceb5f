"""multiprocessing with everything of it that uses sockets. The same lines natively."""

import multiprocessing
import os
import socket
import sys
import threading
import time
from multiprocessing import connection, managers, reduction, synchronize


def square(value: int) -> int:
    """For pools."""
    return value * value


def pipes(context: multiprocessing.context.BaseContext) -> None:
    """Pipe, Queue and Event with a child."""
    here, there = context.Pipe()
    queue, event = context.Queue(), context.Event()
    child = context.Process(target=child_of_pipes, args=(there, queue, event))
    child.start()
    there.close()
    here.send({"numbers": list(range(10)), "text": "x" * 100000})
    print(here.recv(), queue.get(timeout=60), event.wait(60))
    here.send("end")
    child.join()
    print("exit", child.exitcode)


def child_of_pipes(there: connection.Connection, queue: "multiprocessing.Queue[str]", event: synchronize.Event) -> None:
    """Answers, then ends as its parent says."""
    got = there.recv()
    there.send((sum(got["numbers"]), len(got["text"])))
    queue.put("queued")
    event.set()
    sys.exit(7 if there.recv() == "end" else 8)


def serve_once(name: str) -> None:
    """A listener with a password, for two clients; ends with the number of those that did not know it."""
    wrong = 0
    with connection.Listener(name, "AF_UNIX", authkey=b"secret") as listener:
        for _ in range(2):
            try:
                with listener.accept() as one:
                    one.send([listener.last_accepted or "", one.recv() + " answered"])
            except multiprocessing.AuthenticationError:
                wrong += 1
    sys.exit(wrong)


def listeners() -> None:
    """Listener and Client, right and wrong passwords, wait()."""
    ready = threading.Event()
    listener = connection.Listener("listen", "AF_UNIX", backlog=4)
    thread = threading.Thread(target=lambda: (ready.set(), listener.accept().send_bytes(b"bytes" * 10)))
    thread.start()
    ready.wait()
    with connection.Client("listen") as one:
        print(connection.wait([one], 60) == [one], one.recv_bytes())
    thread.join()
    listener.close()
    print("removed:", not os.path.exists("listen"))
    child = multiprocessing.Process(target=serve_once, args=("password",))
    child.start()
    while not os.path.exists("password"):
        time.sleep(0.01)
    for key in (b"wrong", b"secret"):
        while True:
            try:
                with connection.Client("password", authkey=key) as one:
                    one.send("question")
                    print(one.recv())
            except ConnectionRefusedError:
                time.sleep(0.01)  # it is bound and does not listen yet
                continue
            except multiprocessing.AuthenticationError as error:
                print("client:", error)
            break
    child.join()
    print("exit", child.exitcode)


def take(pipe: connection.Connection) -> None:
    """A socket that came through a pipe."""
    with pipe.recv() as one:
        one.sendall(b"by the child that was given it")


def reduced() -> None:
    """Sockets and bare descriptors through pipes."""
    here, there = multiprocessing.Pipe()
    one, other = socket.socketpair()
    child = multiprocessing.Process(target=take, args=(there,))
    child.start()
    here.send(other)
    other.close()
    print(one.recv(100), one.recv(100))
    child.join()
    mine, yours = socket.socketpair()
    reader, writer = os.pipe()
    reduction.sendfds(mine, [writer, reader])
    fds = reduction.recvfds(yours, 2)
    os.write(fds[0], b"through")
    print(os.read(reader, 10), len(fds))


def managed() -> None:
    """A manager's process: dictionaries, lists, locks, by several processes."""
    with multiprocessing.Manager() as manager:
        numbers, table, lock = manager.list(), manager.dict(), manager.Lock()
        children = [multiprocessing.Process(target=fill, args=(numbers, table, lock, i)) for i in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print(sorted(numbers), dict(sorted(table.items())), [child.exitcode for child in children])
        try:
            table["none"]
        except KeyError as error:
            print("KeyError", error)


def fill(numbers: managers.ListProxy, table: managers.DictProxy, lock: threading.Lock, number: int) -> None:
    """What each child does."""
    for i in range(5):
        with lock:
            numbers.append(number * 10 + i)
            table[number] = table.get(number, 0) + i


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        print("==", method)
        pipes(context)
        with context.Pool(3) as pool:
            print(sum(pool.map(square, range(200))), pool.apply(square, (12,)), list(pool.imap(square, range(5))))
    for function in (listeners, reduced, managed):
        print("==", function.__name__)
        function()
