#!/bin/sh
# Replaces the replicas of docker/compose.prod.yml one after another: as many new ones are started beside the old, and once they are healthy
# each old one is stopped, which drains it: its clients are asked to reconnect, evenly over its grace period, and find a new one.
# If the new ones do not become healthy they are removed, and nothing has changed.
#
#   docker build -f docker/Dockerfile -t fanfare .        (or: docker compose … pull fanfare)
#   docker/rolling-update.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${ENV_FILE:=$here/production.env}"
: "${HEALTHY_WITHIN_SECONDS:=60}"
compose() {
  docker compose --env-file "$ENV_FILE" -f "$here/compose.prod.yml" "$@"
}

old=$(compose ps -q fanfare)
if [ -z "$old" ]; then
  echo 'No replica runs: start with docker compose up -d' >&2
  exit 1
fi
count=$(echo "$old" | wc -l)

echo "Starting $count new beside $count old"
compose up -d --no-deps --no-recreate --scale "fanfare=$((count * 2))" fanfare
new=$(compose ps -q fanfare | grep -vxF "$old")

is_healthy() {
  [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]
}
waited=0
for container in $new; do
  until is_healthy "$container"; do
    if [ "$waited" -ge "$HEALTHY_WITHIN_SECONDS" ]; then
      echo "Not healthy within $HEALTHY_WITHIN_SECONDS s: $container. Its log ends with:" >&2
      docker logs --tail 20 "$container" >&2
      # shellcheck disable=SC2086
      docker rm --force $new
      exit 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
done

# nginx learns of the new ones from the name server within 2 s.
sleep 3
for container in $old; do
  echo "Draining $container"
  # Waits for the stop_grace_period that it was created with.
  docker stop "$container"
  docker rm "$container"
done
echo "Updated: $count replicas"
