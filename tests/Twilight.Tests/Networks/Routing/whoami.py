# Who is seen by whom, over UDP.
#   whoami.py serve NAME[@ADDRESS]  answers everybody (who asks that address) who it is, and whom it sees
#   whoami.py ask ADDRESS           prints the answer, or "nothing"
#   whoami.py follow ADDRESS        asks all the time, and prints who answers whenever that changes, and after how many ms without an answer
import socket
import sys
import time

PORT = 4000
verb, what = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

if verb == "serve":
    name, _, own = what.partition("@")
    s.bind((own, PORT))
    print("up", flush=True)
    while True:
        _, peer = s.recvfrom(100)
        s.sendto(f"{name} sees {peer[0]}".encode(), peer)


def ask(socket_):
    try:
        socket_.sendto(b"?", (what, PORT))
        return socket_.recv(100).decode()
    except OSError:
        return None


if verb == "ask":
    s.settimeout(0.5)
    answer = next((a for a in (ask(s) for _ in range(4)) if a), None)
    print(answer or "nothing")
else:
    last, heard = None, time.monotonic()
    while True:
        # A socket of its own for each question, so that no state of a connection leads it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(0.02)
            answer = ask(one)
        now = time.monotonic()
        if answer:
            if answer != last:
                print(f"{answer} after {(now - heard) * 1000:.0f} ms", flush=True)
            last, heard = answer, now
        else:
            time.sleep(0.005)
