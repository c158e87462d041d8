#!/bin/sh
# Reads profiledef.sh, which is a program and may do anything, and writes what it has set.
# in: profiledef.sh    out: variables (NUL-separated: name, number of words, the words; of a map, keys and values)
exec bash /run/step/archiso/read.bash < /dev/null
