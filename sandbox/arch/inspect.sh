#!/bin/sh
# Reads the metadata of each package: see read.pl.
# in: those of apart.sh    out: SHA256 (a desc file, after a line that begins with #)
set -eu
. /run/step/apart.sh
read_apart /run/step/arch/read.pl
