#!/usr/bin/env bash
# Sends one event with nothing but curl and openssl: examples/snippets/curl.sh CHANNEL EVENT 'JSON'
# What any language needs to do, line by line. The credentials are those of the environment, or of development.
set -euo pipefail
url=${FANFARE_URL:-http://127.0.0.1:6001}
app_id=${PUSHER_APP_ID:-app-id} key=${PUSHER_APP_KEY:-app-key} secret=${PUSHER_APP_SECRET:-app-secret}
channel=${1:?channel} event=${2:?event} data=${3:-'{}'}

# In the body, data is a string that holds JSON: backslashes, quotes and line ends of it are escaped.
escaped=${data//\\/\\\\}
escaped=${escaped//\"/\\\"}
escaped=${escaped//$'\n'/\\n}
body="{\"name\":\"$event\",\"channels\":[\"$channel\"],\"data\":\"$escaped\"}"

# Signed are the method, the path, and the parameters in the order of their names. The body comes in by its MD5.
path="/apps/$app_id/events"
md5=$(printf '%s' "$body" | openssl dgst -md5 -r | cut -d' ' -f1)
query="auth_key=$key&auth_timestamp=$(date +%s)&auth_version=1.0&body_md5=$md5"
signature=$(printf 'POST\n%s\n%s' "$path" "$query" | openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1)

curl --silent --show-error --fail-with-body --header 'Content-Type: application/json' \
  --data-binary "$body" "$url$path?$query&auth_signature=$signature"
echo
