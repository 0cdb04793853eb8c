"""python examples/snippets/python_without_library.py CHANNEL EVENT 'JSON'          (nothing to install)"""
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.request


def trigger(channels, name, data):
    """Returns once Fanfare has taken the event; raises urllib.error.HTTPError otherwise."""
    url = os.environ.get("FANFARE_URL", "http://127.0.0.1:6001")
    app_id = os.environ.get("PUSHER_APP_ID", "app-id")
    key = os.environ.get("PUSHER_APP_KEY", "app-key")
    secret = os.environ.get("PUSHER_APP_SECRET", "app-secret")

    body = json.dumps({"name": name, "channels": channels, "data": json.dumps(data)}).encode()
    path = f"/apps/{app_id}/events"
    md5 = hashlib.md5(body).hexdigest()
    query = f"auth_key={key}&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={md5}"
    signature = hmac.new(secret.encode(), f"POST\n{path}\n{query}".encode(), hashlib.sha256).hexdigest()

    request = urllib.request.Request(
        f"{url}{path}?{query}&auth_signature={signature}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        response.read()


channel, event, data = (sys.argv[1:] + ["news", "message", "{}"][len(sys.argv) - 1 :])[:3]
trigger([channel], event, json.loads(data))
