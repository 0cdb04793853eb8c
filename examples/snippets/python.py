"""python examples/snippets/python.py CHANNEL EVENT 'JSON'          (pip install pusher)"""
import json
import os
import sys
from urllib.parse import urlsplit

import pusher

url = urlsplit(os.environ.get("FANFARE_URL", "http://127.0.0.1:6001"))
client = pusher.Pusher(
    app_id=os.environ.get("PUSHER_APP_ID", "app-id"),
    key=os.environ.get("PUSHER_APP_KEY", "app-key"),
    secret=os.environ.get("PUSHER_APP_SECRET", "app-secret"),
    host=url.hostname,
    port=url.port or (443 if url.scheme == "https" else 80),
    ssl=url.scheme == "https",
)

channel, event, data = (sys.argv[1:] + ["news", "message", "{}"][len(sys.argv) - 1 :])[:3]
client.trigger(channel, event, json.loads(data))
