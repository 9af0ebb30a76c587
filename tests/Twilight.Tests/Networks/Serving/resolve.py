# Asks a name server for the address of a name until its input ends: resolve.py NAME SERVER
# Prints "up" after the first answer, and at the end how often it asked, and how many answers did not come or had no address.
import os
import select
import socket
import struct
import sys

name, server = sys.argv[1:]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
asked = lost = 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(1)
    s.connect((server, 53))
    while not select.select([sys.stdin], [], [], 0)[0]:
        number = os.urandom(2)
        asked += 1
        try:
            s.send(number + b"\1\0\0\1\0\0\0\0\0\0" + question)
            answer = s.recv(1000)
            while answer[:2] != number:
                answer = s.recv(1000)
            lost += struct.unpack_from("!H", answer, 6)[0] == 0
        except OSError:
            lost += 1
        if asked == 1:
            print("up", flush=True)
print("asked", asked, "lost", lost)
