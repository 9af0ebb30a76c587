# A guest's side of IPv6 on a link: guest6.py LINK advertise | lease
# Prints what a router says of itself, or the address and name servers that DHCPv6 (RFC 8415) gives.
import ipaddress
import os
import socket
import struct
import sys

link, what = sys.argv[1:]
index = socket.if_nametoindex(link)


def options(data):
    while data:
        code, length = struct.unpack_from("!HH", data)
        yield code, data[4:4 + length]
        data = data[4 + length:]


def option(code, value):
    return struct.pack("!HH", code, len(value)) + value


def advertise():
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.setsockopt(socket.SOL_SOCKET, 25, link.encode() + b"\0")
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        s.settimeout(2)
        while True:
            s.sendto(b"\x85\0\0\0\0\0\0\0", ("ff02::2", 0, 0, index))
            try:
                data = s.recv(2000)
            except TimeoutError:
                continue
            if data[0] != 134:
                continue
            print("managed" if data[5] & 0x80 else "unmanaged", "lifetime", struct.unpack_from("!H", data, 6)[0])
            rest = data[16:]
            while rest:
                if rest[0] == 5:
                    print("mtu", struct.unpack_from("!I", rest, 4)[0])
                if rest[0] == 3:
                    print("prefix", ipaddress.IPv6Address(rest[16:32]), rest[2], "autonomous" if rest[3] & 0x40 else "not autonomous")
                rest = rest[8 * rest[1]:]
            return


def lease():
    hardware = bytes.fromhex(open(f"/sys/class/net/{link}/address").read().strip().replace(":", ""))
    client = option(1, struct.pack("!HH", 3, 1) + hardware)
    wanted = option(3, struct.pack("!III", 1, 0, 0)) + option(6, struct.pack("!HH", 23, 24))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, 25, link.encode() + b"\0")
        s.bind(("::", 546))
        s.settimeout(2)

        def ask(kind, answer, body):
            number = os.urandom(3)
            while True:
                s.sendto(bytes([kind]) + number + body, ("ff02::1:2", 547, 0, index))
                try:
                    data = s.recv(2000)
                except TimeoutError:
                    continue
                if data[0] == answer and data[1:4] == number:
                    return dict(options(data[4:]))

        server = option(2, ask(1, 2, client + wanted)[2])
        got = ask(3, 7, client + server + wanted)
        for code, value in options(got[3][12:]):
            if code == 5:
                print("address", ipaddress.IPv6Address(value[:16]))
            if code == 13:
                print("refused", value[2:].decode())
        servers = got.get(23, b"")
        print("name servers", *(ipaddress.IPv6Address(servers[i:i + 16]) for i in range(0, len(servers), 16)))


{"advertise": advertise, "lease": lease}[what]()
