#!/bin/sh
# Reads the metadata of each package: see read.pl.
# in: those of apart.sh    out: SHA256 (a deb822 stanza)
set -eu
. /run/step/apart.sh
read_apart /run/step/debian/read.pl
