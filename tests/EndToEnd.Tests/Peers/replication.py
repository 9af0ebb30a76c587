"""Both ends of one stream, as Shared/Replication/README.md describes them; written from that page, not from the code."""

import random
import uuid

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 30.0


def key_of(key):
    """A key as something that a dictionary takes: a column, or several."""
    return tuple(key) if isinstance(key, list) else (key,)


class Rows:
    """Rows by table and key, of one part."""

    def __init__(self, part):
        self.part = part
        self._rows = {}

    def apply(self, changes):
        for table, key, part, row in changes:
            if part != self.part:
                continue
            if row is None:
                self._rows.pop((table, key_of(key)), None)
            else:
                self._rows[table, key_of(key)] = [table, key, part, row]

    def replace(self, changes):
        self._rows = {}
        self.apply(changes)

    def all(self):
        return list(self._rows.values())


class Sender:
    """Not ready until it is given something to tell; then without a stream, then streaming."""

    def __init__(self, part, bare):
        self.rows = Rows(part)
        self.incarnation = uuid.uuid4().hex
        self._bare = bare
        self._ready = False
        self._streaming = False
        self._stream = None
        self._seq = 0
        self._last_request = None

    def change(self, changes):
        """What is to be sent about a change of the rows; None when nobody asked for them yet."""
        self.rows.apply(changes)
        if not self._ready:
            self._ready = True
            return self.keep_alive()
        return self._partial(changes) if self._streaming else None

    def keep_alive(self):
        return self._partial([]) if self._ready else None

    def requested(self, stream):
        """The snapshot that answers a request; None when the request is not to be answered (R6, R7)."""
        if not self._ready:
            return None
        if self._bare:
            stream = None
        if stream is not None:
            prefix, counter = stream.rsplit(":", 1)
            if self._last_request and self._last_request[0] == prefix and int(counter) <= self._last_request[1]:
                return None
            self._last_request = (prefix, int(counter))
        self._streaming, self._stream, self._seq = True, stream, 0
        return self._update(0, self.rows.all())

    def _partial(self, changes):
        self._seq += 1
        return self._update(self._seq, changes)

    def _update(self, seq, changes):
        update = {"incarnation": self.incarnation, "seq": seq, "changes": changes}
        return update if self._bare else update | {"stream": self._stream}


class Receiver:
    """New, waiting for a snapshot, or synced."""

    def __init__(self, part, bare):
        self.rows = Rows(part)
        self.state = "new"
        self._bare = bare
        self._prefix = uuid.uuid4().hex
        self._counter = 0
        self._request = None
        self._retry_at = None
        self._bound = FIRST_RETRY_SECONDS
        self._position = None

    def received(self, update, now):
        """What becomes of an update: "applied", "ignored", or "asked" when a request is to be sent."""
        incarnation, stream, seq = update["incarnation"], update.get("stream"), update["seq"]
        if self.state == "waiting":
            if seq != 0 or stream != self._request:
                return "ignored"
            self.rows.replace(update["changes"])
            self.state, self._position, self._bound = "synced", (incarnation, stream, 1), FIRST_RETRY_SECONDS
            return "applied"
        if self.state == "synced":
            if (incarnation, stream, seq) == self._position:
                self.rows.apply(update["changes"])
                self._position = (incarnation, stream, seq + 1)
                return "applied"
            if incarnation == self._position[0] and self._is_late(stream, seq):
                return "ignored"
        self.ask(now)
        return "asked"

    def ask(self, now):
        """Makes a new request (R1) and waits for its snapshot."""
        self.state = "waiting"
        self._counter += 1
        self._request = None if self._bare else f"{self._prefix}:{self._counter}"
        self._bound = min(2 * self._bound, LAST_RETRY_SECONDS)
        self._retry_at = now + random.uniform(FIRST_RETRY_SECONDS, self._bound)

    def is_due(self, now):
        return self.state == "waiting" and now >= self._retry_at

    @property
    def request(self):
        """The fields of the request that is outstanding."""
        return {} if self._bare else {"stream": self._request}

    def _is_late(self, stream, seq):
        if stream == self._position[1]:
            return seq < self._position[2]
        if stream is None or self._position[1] is None:
            return False
        (prefix, counter), (own_prefix, own_counter) = stream.rsplit(":", 1), self._position[1].rsplit(":", 1)
        return prefix == own_prefix and int(counter) < int(own_counter)
