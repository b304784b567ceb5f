"""asyncio, selectors and socketserver over unix sockets. The same lines natively."""

import asyncio
import contextlib
import os
import selectors
import signal
import socket
import socketserver
import sys
import threading


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Upper-case lines until the client has no more."""
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def client(name: str, number: int) -> int:
    """Many lines there and back; how many bytes came."""
    reader, writer = await asyncio.open_unix_connection(name)

    async def send() -> None:
        for i in range(200):
            writer.write(f"client {number} line {i} {'x' * (i * 7 % 300)}\n".encode())
            await writer.drain()
        writer.write_eof()

    sender = asyncio.create_task(send())
    data = await reader.read()
    await sender
    writer.close()
    await writer.wait_closed()
    return len(data) if data == data.upper() else -1


async def streams() -> None:
    """A server, eight clients at once, a child process that is a client, signals and timeouts in the same loop."""
    server = await asyncio.start_unix_server(serve, "loop")
    print(await asyncio.gather(*(client("loop", i) for i in range(8))))
    program = ("import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('loop')\ns.sendall(b'from a child\\n')\n"
               "s.shutdown(socket.SHUT_WR)\nprint(s.makefile().read(), end='')")
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    print(out, child.returncode)
    loop = asyncio.get_running_loop()
    caught = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, caught.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(caught.wait(), 20)
    reader, writer = await asyncio.open_unix_connection("loop")
    try:
        await asyncio.wait_for(reader.readline(), 0.05)
    except asyncio.TimeoutError:
        print("timeout")
    writer.close()
    print(await asyncio.to_thread(lambda: "from a thread"))
    server.close()
    await server.wait_closed()
    child = await asyncio.create_subprocess_shell("cat; echo err >&2; exit 3", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                  stderr=asyncio.subprocess.PIPE)
    out, err = await child.communicate(b"y" * 300000)
    print(len(out), err, child.returncode)


class Echo(asyncio.DatagramProtocol):
    """Answers every datagram."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: str) -> None:
        self.transport.sendto(data[::-1], address)  # type: ignore[attr-defined]


async def datagrams() -> None:
    """A datagram endpoint on a path."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr="echo", family=socket.AF_UNIX)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.setblocking(False)
        one.bind("asker")
        answers = []
        for i in range(50):
            await loop.sock_sendto(one, b"question %d" % i, "echo")
            answers.append(await loop.sock_recv(one, 100))
        print(len(answers), answers[-1])
    transport.close()


def select_many() -> None:
    """Fifty pairs in each kind of selector."""
    for kind in (selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector):
        pairs = [socket.socketpair() for _ in range(50)]
        with kind() as selector, contextlib.ExitStack() as stack:
            for number, (one, other) in enumerate(pairs):
                stack.enter_context(one), stack.enter_context(other)
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ, number)
            print(kind.__name__, len(selector.select(0)))
            for number in range(0, 50, 7):
                pairs[number][1].send(b"%d" % number)
            print(sorted((key.data, events, key.fileobj.recv(9)) for key, events in selector.select(20)))
            pairs[3][1].close()
            print([(key.data, events, key.fileobj.recv(9)) for key, events in selector.select(20)])


class Handler(socketserver.StreamRequestHandler):
    """Adds the numbers of each line."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(b"%d\n" % sum(map(int, line.split())))


def served(kind: type[socketserver.BaseServer]) -> None:
    """A server with a thread or a process for each client."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink("served")

    class Server(kind, socketserver.UnixStreamServer):  # type: ignore[misc, valid-type]
        """The mixture."""

        request_queue_size = 20

    with Server("served", Handler) as server:
        reader, writer = os.pipe()
        # Processes: a child of the server would have copies of this process's clients.
        children = [os.fork() or ask(number, writer) for number in range(10)]
        os.close(writer)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with open(reader, encoding="ascii") as file:
            print(kind.__name__, sorted(file))
        for child in children:
            os.waitpid(child, 0)
        server.shutdown()
        thread.join()


def ask(number: int, writer: int) -> int:
    """A client: many questions; the last answer goes to the writer, then the process ends."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("served")
        with one.makefile("w") as to, one.makefile("r") as back:
            for i in range(20):
                print(number, i, i * i, file=to, flush=True)
                answer = back.readline()
    os.write(writer, f"{number}: {answer}".encode())
    os._exit(0)


asyncio.run(streams())
asyncio.run(datagrams())
select_many()
served(socketserver.ThreadingMixIn)
served(socketserver.ForkingMixIn)
