# Sourced for `planned INDEX`, which turns what `apt-get -s` prints into lines of VERB NAME ARCHITECTURE SHA256, where VERB
# is Inst or Conf. INDEX is the file Packages that apt chose from: apt does not print a package's file.
planned() {
    sed -n 's/^\(Inst\|Conf\) \([^ :]*\)[ :].*\[\([^] ]*\)\]).*/\1 \2 \3/p' | awk '
        FILENAME == "-" { print $0, sha256[$2 " " $3]; next }
        $1 == "Package:" { name = $2 }
        $1 == "Architecture:" { architecture = $2 }
        $1 == "SHA256:" { sha256[name " " architecture] = $2 }' "$1" -
}
