#!/bin/sh
# Compares what the profile asks for with what came out, and packs it.
# in: those of arrived.sh and squash.sh    out: layer (squashfs, with whiteouts)
set -eu
. /run/step/arrived.sh
. /run/step/squash.sh
