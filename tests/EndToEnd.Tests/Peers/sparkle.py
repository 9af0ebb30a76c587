#!/usr/bin/python3
"""Plays a Sparkle with one host: listens, tells it the desired rows that it is given, and keeps a copy of the current ones."""

from peer import Peer, arguments


def main():
    options = arguments(__doc__).parse_args()
    peer = Peer("desired", "current", "sparkle", "twilight", options)
    peer.bind("sparkle", options.endpoint)
    peer.run()


main()
