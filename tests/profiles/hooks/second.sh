#!/bin/bash
set -euo pipefail
echo second >> /etc/hooks-ran
id -u > /etc/hook-user
# Replaces a directory of the layer below, and deletes a file of it: both must reach the system.
rm -r /etc/cron.d
mkdir /etc/cron.d
echo new > /etc/cron.d/only
rm /etc/debian_version
mkdir -p /srv/data/unreadable
chmod 0 /srv/data/unreadable
chown live:adm /srv/data/from-tree
# overlays/site names this directory to the loader, whose cache comes after hooks.
mkdir /opt/lib
cp -L /usr/lib/x86_64-linux-gnu/libz.so.1 /opt/lib/
