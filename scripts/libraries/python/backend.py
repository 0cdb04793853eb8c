"""What scripts/libraries/main.ts asks of each backend's library; prints one line of JSON."""
import json
import os
import sys

import pusher

channel, socket_id = sys.argv[1:]


def library(secret):
    return pusher.Pusher(
        app_id=os.environ["PUSHER_APP_ID"],
        key=os.environ["PUSHER_APP_KEY"],
        secret=secret,
        host=os.environ["FANFARE_HOST"],
        port=int(os.environ["FANFARE_PORT"]),
        ssl=False,
    )


client = library(os.environ["PUSHER_APP_SECRET"])
data = json.loads(os.environ["EVENT_DATA"])
client.trigger(channel, "one", data)
client.trigger_batch([{"channel": channel, "name": name, "data": data} for name in ("two", "three")])
body, signature = os.environ["WEBHOOK_BODY"], os.environ["WEBHOOK_SIGNATURE"]
key = os.environ["PUSHER_APP_KEY"]
try:
    library("wrong").trigger(channel, "never", {})
    refused = None
except Exception as error:
    refused = str(error)
print(json.dumps({
    "subscriptionCount": client.channel_info(channel, ["subscription_count"])["subscription_count"],
    "private": client.authenticate(f"private-{channel}", socket_id),
    "presence": client.authenticate(f"presence-{channel}", socket_id, {"user_id": "42", "user_info": {"name": "Ada"}}),
    "user": client.authenticate_user(socket_id, {"id": "42"}),
    "webhook": client.validate_webhook(key, signature, body) is not None,
    "wrongWebhook": client.validate_webhook(key, signature, body + " ") is not None,
    "refused": refused,
}))
