#!/bin/sh
# Compares what the profile asks for with the system that came out, shown as /run/layers, where no program of that system
# runs any more.
# in: wanted, users, services
set -eu
perl /run/step/arrived.pl
