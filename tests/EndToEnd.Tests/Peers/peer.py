"""What the two peers have in common: one ROUTER socket, orders as JSON lines on standard input, and on standard output a
JSON line for everything that happens.

Orders:
  {"do": "change", "changes": [...]}  change the own rows and tell it; the first one makes them complete
  {"do": "lose", "changes": [...]}    the same, but the message gets lost on its way
  {"do": "send", "message": {...}}    send exactly this
  {"do": "ask"}                       forget the stream and request a full state

Lines:
  {"saw": "sent" | "lost" | "received", "message": {...}}
  {"saw": "copy", "rows": [...]}      the rows of the other side, whenever an update was applied
"""

import argparse
import json
import os
import sys
import time

import zmq

from replication import Receiver, Sender

POLL_MILLISECONDS = 50
GREETING_SECONDS = 0.2


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--endpoint", required=True, help="such as tcp://127.0.0.1:9850")
    parser.add_argument("--key-file", required=True, help="holds the own secret key, a line of Z85")
    parser.add_argument("--keep-alive", type=float, default=15, help="seconds")
    parser.add_argument("--bare", action="store_true", help="know nothing of streams")
    return parser


class Peer:
    """One side of the exchange with one other.

    own, others: the part that this side tells, and the part that it is told ("desired" or "current").
    says, hears: the prefixes of the events that it sends and takes ("twilight" or "sparkle").
    """

    def __init__(self, own, others, says, hears, options, host=None):
        self._socket = zmq.Context().socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.LINGER, 0)
        with open(options.key_file, "rb") as file:
            secret = file.read().strip()
        self._socket.curve_secretkey = secret
        self._socket.curve_publickey = zmq.curve_public(secret)
        self._says, self._hears = says, hears
        self._sender = Sender(own, options.bare)
        self._receiver = Receiver(others, options.bare)
        self._keep_alive = options.keep_alive
        self._next_keep_alive = 0.0
        self._always = {"uuid": host} if host else {}
        self.other = None

    def bind(self, routing_id, endpoint):
        self._socket.curve_server = True
        self._socket.setsockopt_string(zmq.ROUTING_ID, routing_id)
        self._socket.bind(endpoint)

    def connect(self, other, endpoint, server_key):
        self._socket.curve_serverkey = server_key.encode()
        self._socket.setsockopt(zmq.ROUTING_ID, os.urandom(8).hex().encode())
        self._socket.connect(endpoint)
        self.other = other

    def run(self):
        """Until standard input ends."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(sys.stdin.fileno(), zmq.POLLIN)
        unread = b""
        while True:
            ready = dict(poller.poll(POLL_MILLISECONDS))
            if self._socket in ready:
                self._receive()
            if sys.stdin.fileno() in ready:
                read = os.read(sys.stdin.fileno(), 65536)
                if not read:
                    return
                *lines, unread = (unread + read).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            self._tick(time.monotonic())

    def _receive(self):
        frames = self._socket.recv_multipart()
        self.other = frames[0]
        message = json.loads(frames[1])
        show("received", message=message)
        if message["event"] == f"{self._hears}-resync":
            self._tell(self._sender.requested(message.get("stream")))
        elif message["event"] == f"{self._hears}-update-state":
            outcome = self._receiver.received(message, time.monotonic())
            if outcome == "applied":
                show("copy", rows=self._receiver.rows.all())
            elif outcome == "asked":
                self._ask()

    def _obey(self, order):
        if order["do"] == "change":
            self._tell(self._sender.change(order["changes"]))
        elif order["do"] == "lose":
            show("lost", message=self._sender.change(order["changes"]))
        elif order["do"] == "send":
            self._send(order["message"])
        elif order["do"] == "ask":
            self._receiver.ask(time.monotonic())
            self._ask()
        else:
            raise ValueError(f"no such order: {order['do']}")

    def _tick(self, now):
        if self.other is None:
            return
        if self._receiver.is_due(now):
            self._receiver.ask(now)
            self._ask()
        if now >= self._next_keep_alive:
            # Sent again soon when the connection is not there yet.
            self._next_keep_alive = now + GREETING_SECONDS
            self._tell(self._sender.keep_alive())

    def _ask(self):
        self._send({"event": f"{self._says}-resync"} | self._always | self._receiver.request)

    def _tell(self, update):
        if update is not None and self._send({"event": f"{self._says}-update-state"} | self._always | update):
            self._next_keep_alive = time.monotonic() + self._keep_alive

    def _send(self, message):
        if self.other is None:
            show("lost", message=message)
            return False
        try:
            self._socket.send_multipart([self.other, json.dumps(message).encode()], zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            show("lost", message=message)
            return False
        show("sent", message=message)
        return True


def show(what, **fields):
    print(json.dumps({"saw": what} | fields), flush=True)
