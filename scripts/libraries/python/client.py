"""A client that joins a channel, says so, prints the first event and ends."""
import os
import sys
import threading

import pysher

channel = sys.argv[1]
ended = threading.Event()
client = pysher.Pusher(
    os.environ["PUSHER_APP_KEY"],
    custom_host=os.environ["FANFARE_HOST"],
    port=int(os.environ["FANFARE_PORT"]),
    secure=False,
    secret=os.environ["PUSHER_APP_SECRET"],
)


def received(data):
    print(f"event {data}", flush=True)
    ended.set()


def connected(_):
    joined = client.subscribe(channel)
    joined.bind("pusher_internal:subscription_succeeded", lambda _: print("joined", flush=True))
    joined.bind("message", received)


client.connection.bind("pusher:connection_established", connected)
client.connect()
sys.exit(0 if ended.wait(20) else 1)
