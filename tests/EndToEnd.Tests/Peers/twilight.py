#!/usr/bin/python3
"""Plays a Twilight: connects to Sparkle, tells it the current rows that it is given, and keeps a copy of the desired ones."""

from peer import Peer, arguments


def main():
    parser = arguments(__doc__)
    parser.add_argument("--uuid", required=True, help="of the host")
    parser.add_argument("--server-key", required=True, help="Sparkle's public key")
    options = parser.parse_args()
    peer = Peer("current", "desired", "twilight", "sparkle", options, options.uuid)
    peer.connect(b"sparkle", options.endpoint, options.server_key)
    peer.run()


main()
