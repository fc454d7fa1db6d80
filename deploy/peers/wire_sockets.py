"""Rounds over bare TLS sockets: what the exchange costs in Python with no framework at all.

A server sends a vector of float32 to each client and takes one from each, a thread for each connection; it averages and
begins again. Nothing is checked, kept on disk, or acknowledged. Each run starts the processes anew.
"""

import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy

PIECE = 1 << 20


def receive(connection, array):
    view = memoryview(array).cast("B")
    done = 0
    while done < len(view):
        size = connection.recv_into(view[done : done + PIECE])
        if not size:
            raise EOFError
        done += size


def send(connection, array):
    view = memoryview(array).cast("B")
    for start in range(0, len(view), PIECE):
        connection.sendall(view[start : start + PIECE])


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def loopback_bytes():
    with open("/proc/net/dev") as devices:
        return next(int(line.split(":")[1].split()[8]) for line in devices if line.strip().startswith("lo:"))


def serve(folder, values, rounds, clients):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder + "/certificate.pem", folder + "/key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    connections = [context.wrap_socket(listener.accept()[0], server_side=True) for _ in range(clients)]
    mean = numpy.zeros(values, numpy.float32)
    updates = [numpy.empty(values, numpy.float32) for _ in connections]
    seconds, before = [], 0
    for turn in range(rounds):
        if turn == 1:
            before = loopback_bytes()
        start = time.perf_counter()

        def exchange(index):
            send(connections[index], mean)
            receive(connections[index], updates[index])

        threads = [threading.Thread(target=exchange, args=(index,)) for index in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mean = sum(updates[1:], updates[0].copy()) / numpy.float32(clients)
        seconds.append(time.perf_counter() - start)
    # The first round has the processes' start in it.
    found = {
        "s/round": statistics.median(seconds[1:]),
        "loopback MB/round": (loopback_bytes() - before) / (rounds - 1) / 1e6,
        "coordinator, MiB": peak_mib(),
    }
    print(json.dumps(found), flush=True)


def take_part(folder, values, rounds, port):
    context = ssl.create_default_context(cafile=folder + "/certificate.pem")
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    values = numpy.empty(values, numpy.float32)
    chance = numpy.random.default_rng(os.getpid())
    for _ in range(rounds):
        receive(connection, values)
        send(connection, values + chance.standard_normal(len(values), dtype=numpy.float32))
    print(peak_mib(), flush=True)


def work(options, folder):
    def start(*words):
        return subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)

    sizes = [folder, options.values, options.rounds]
    server = start("serve", *sizes, options.clients)
    port = server.stdout.readline().strip()
    clients = [start("take-part", *sizes, port) for _ in range(int(options.clients))]
    found = json.loads(server.communicate()[0])
    found["client, MiB"] = max(float(client.communicate()[0]) for client in clients)
    return found


def main():
    import side

    options = side.arguments("values", "rounds", "clients")
    with tempfile.TemporaryDirectory() as folder:
        words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        files = ["-keyout", folder + "/key.pem", "-out", folder + "/certificate.pem"]
        subprocess.run(words.split() + files, check=True, capture_output=True)
        peak = [0]

        def run():
            found = work(options, folder)
            peak[0] = found["coordinator, MiB"]
            return found

        side.serve(run, peak=lambda: peak[0])


if len(sys.argv) > 1 and sys.argv[1] == "serve":
    serve(sys.argv[2], *map(int, sys.argv[3:6]))
elif len(sys.argv) > 1 and sys.argv[1] == "take-part":
    take_part(sys.argv[2], *map(int, sys.argv[3:6]))
else:
    main()
