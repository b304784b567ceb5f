"""Pairs and what goes through them: descriptors, credentials, names, wrappers of the socket module. The same lines natively."""

import array
import os
import select
import signal
import socket
import struct
import threading


def passing() -> None:
    """Descriptors to a child, which writes into what they open."""
    here, there = socket.socketpair()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        here.close()
        message, fds, flags, _ = socket.recv_fds(there, 100, 5)
        os.write(fds[0], b"%s %d %d" % (message, len(fds), flags))
        os.write(fds[1], b" to a file too")
        os._exit(0)
    with open("passed", "wb") as file:
        print("sent", socket.send_fds(here, [b"take", b" these"], [writer, file.fileno()]))
    os.close(writer)
    print("status", os.waitpid(child, 0)[1], os.read(reader, 100), os.read(reader, 100))
    with open("passed", "rb") as file:
        print(file.read())


def ancillary() -> None:
    """sendmsg and recvmsg with several buffers, and with too little room."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fds = array.array("i", [0, 1, 2])
    print(here.sendmsg([b"one", b"two", b"three"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]))
    one, rest = bytearray(4), bytearray(20)
    count, control, flags, address = there.recvmsg_into([one, rest], socket.CMSG_SPACE(3 * fds.itemsize))
    print(count, one, rest, flags, address, [(level, kind, len(data)) for level, kind, data in control])
    here.sendmsg([b"cut"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    data, control, flags, _ = there.recvmsg(2, socket.CMSG_LEN(fds.itemsize))
    print(data, len(control), flags == socket.MSG_CTRUNC | socket.MSG_TRUNC)
    there.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    here.send(b"who")
    data, control, flags, _ = there.recvmsg(100, 100)
    pid, uid, gid = struct.unpack("3i", control[0][2])
    print(data, pid == os.getpid(), uid == os.getuid(), gid == os.getgid())
    pid, uid, gid = struct.unpack("3i", here.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    print(pid == os.getpid(), uid == os.getuid(), gid == os.getgid())


def names() -> None:
    """Datagrams between names of files and abstract ones."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as two:
        one.bind("one")
        two.bind(b"\0scarlet-test-two")
        one.sendto(b"hello", b"\0scarlet-test-two")
        print(two.recvfrom(100))
        two.sendto(b"back", "one")
        print(one.recvfrom(100), one.getsockname(), two.getsockname())
        two.connect("one")
        print(two.getpeername(), two.send(b"connected"), one.recv(4))
        two.settimeout(0.05)
        try:
            two.recv(10)
        except TimeoutError as error:
            print("timeout", error)
    for number, operation in enumerate((lambda s: s.connect("one"), lambda s: s.connect("none"), lambda s: s.bind("one"), lambda s: s.bind("x" * 200),
                                        lambda s: s.send(b"x"), lambda s: s.listen(), lambda s: s.getpeername())):
        with socket.socket(socket.AF_UNIX) as other:
            try:
                operation(other)
            except OSError as error:
                print(number, type(error).__name__, error)


def wrapped() -> None:
    """Files over sockets, non-blocking ones, detaching, duplicates, a poll object."""
    here, there = socket.socketpair()
    with here.makefile("w") as to, here.makefile("r") as back, there.makefile("r") as come, there.makefile("w") as go:
        thread = threading.Thread(target=lambda: [print(come.readline().upper(), end="", file=go, flush=True) for _ in range(1000)])
        thread.start()
        for number in range(1000):
            to.write(f"line {number}\n")
        to.flush()
        print(sum(len(back.readline()) for _ in range(1000)))
        thread.join()
    there.setblocking(False)
    try:
        there.recv(1)
    except BlockingIOError as error:
        print(error)
    poll = select.poll()
    poll.register(here, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    print([event for _, event in poll.poll(0)])
    copy = socket.socket(fileno=os.dup(there.fileno()))
    print(copy.family, copy.type, copy.proto, copy.getblocking())
    there.close()
    copy.sendall(b"by the copy")
    print(here.recv(100), [event for _, event in poll.poll(0)])
    copy.shutdown(socket.SHUT_WR)
    print(here.recv(100), [event for _, event in poll.poll(0)])
    copy.close()
    print([event for _, event in poll.poll(0)])
    try:
        here.sendall(b"x" * 100)
    except BrokenPipeError as error:
        print(error)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        here.send(b"x")
        os._exit(0)
    print("ended by", signal.Signals(os.waitpid(child, 0)[1]).name)


def files() -> None:
    """sendfile, and a listener that a child inherits."""
    with open("large", "wb") as file:
        file.write(bytes(range(256)) * 4000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("listener")
        listener.listen(3)
        child = os.fork()
        if child == 0:
            connection, address = listener.accept()
            with open("large", "rb") as file:
                connection.sendfile(file)
            os._exit(0 if address == "" else 1)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("listener")
            total, last = 0, b""
            while data := client.recv(65536):
                total, last = total + len(data), data
            print(total, last[-3:], os.waitpid(child, 0)[1])


for function in (passing, ancillary, names, wrapped, files):
    print(f"== {function.__name__}")
    function()
