#!/bin/sh
# Runs profiledef.sh, which is an untrusted program, and writes the variables that it sets.
# in: profiledef.sh    out: variables (NUL-separated: name, number of words, words; keys and values for an array with keys)
exec bash /run/step/archiso/read.bash < /dev/null
