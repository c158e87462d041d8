# Sourced, after apt.sh, for functions on the signed indexes that apt has.

# `sources ARCHIVES`: prints what is in sources.list, as lines of ARCHIVE ADDRESS/ SUITE COMPONENT…, with the addresses as apt
# tells them: decoded once, and without a password. ARCHIVES has the archive of each line of sources.list.
sources() {
    paste -d ' ' "$1" "$apt/etc/sources.list" |
        sed -E 's,^([^ ]+) deb \[[^]]*\] ([^ ]*[^ /])/* ,\1 \2/ ,; s,%25,%,g; s,://[^/@]*@,://,'
}

# `targets`: lists in $apt/targets the files Packages that apt looks for, as lines of ARCHIVE SUITE FILE PLACE. PLACE is
# relative to the directory of the suite. Needs $apt/sources.
targets() {
    # apt reads all packages of the indexes that it sees, so it sees none.
    mkdir -p "$apt/none/partial"
    apt-get -o Dir::State::Lists="$apt/none" indextargets --no-release-info \
        --format '$(REPO_URI) $(RELEASE) $(FILENAME) $(METAKEY)' 'Created-By: Packages' > "$apt/asked"
    awk -v none="$apt/none/" -v lists="$apt/state/lists/" '
        { sub(/:\/\/[^\/@]*@/, "://") } # apt may not tell a password.
        NR == FNR { archive[$2 " " $3] = $1; next }
        { print archive[$1 " " $2], $2, lists substr($3, length(none) + 1), $4 }' "$apt/sources" "$apt/asked" > "$apt/targets"
}

# `downloaded`: prints those of the lines in $apt/targets whose file apt has.
downloaded() {
    while read -r archive suite file place; do
        [ ! -e "$file" ] || printf '%s\n' "$archive $suite $file $place"
    done < "$apt/targets"
}

# `start FILE PLACE`: prints what the names of the signed files of a suite begin with, from that of one of its indexes: it ends
# in PLACE, with `_` for `/`, and `%5f` for `_`.
start() {
    printf %s "${1%"$(printf %s "$2" | sed 's,_,%5f,g; s,/,_,g')"}"
}

# `release ARCHIVE SUITE`: prints the signed statement of a suite. Needs $apt/targets.
release() {
    file=$(awk -v a="$1" -v s="$2" '$1 == a && $2 == s { print $3, $4; exit }' "$apt/targets")
    signed=$(start ${file% *} "${file#* }")
    if [ -e "${signed}InRelease" ]; then
        # Lines before the first empty one are not signed, and apt passes over them.
        awk '/^[ \t\r]*$/ { inside = 1 } /^-----BEGIN PGP SIGNATURE/ { exit } inside' "${signed}InRelease"
    else
        cat "${signed}Release"
    fi
}

# `require_components`: reports the components in sources.list that an archive does not have, or has no packages in; apt
# ignores them.
require_components() {
    targets
    eval "$(apt-config shell native APT::Architecture)"
    while read -r archive address suite components; do
        release "$archive" "$suite" > "$apt/release"
        # Some archives put the name of the archive in front: updates/main.
        known=$(sed -n 's/^Components: *//p' "$apt/release" | tr -s ' ' '\n' | sed 's,.*/,,')
        for component in $components; do
            name=${component##*/}
            ! grep -qE "^ [0-9a-f]{64} +[0-9]+ (.*/)?$(printf %s "$name" | sed 's/[.]/\\./g')/binary-($native|all)/Packages(\.[a-z0-9]+)?$" \
                "$apt/release" || continue
            if printf '%s\n' "$known" | grep -qxF -e "$name"; then
                fact="the suite $suite has nothing for $native in its component '$component'" remedy="leave it out"
            else
                fact="the suite $suite has no component '$component', only: $(echo $known)"
                remedy=$(printf '%s\n' "$known" | suggest "$name" "choose one of these")
            fi
            complain "$archive" "$(written_address "$address")" "$fact" "$remedy"
        done
    done < "$apt/sources"
    stop_on_problems
}

# `misnamed`: prints lines of ARCHIVE ADDRESS SUITE NAMES of the suites in sources.list whose signed statement is that of
# another one: of all that an archive signed, a mirror can choose what it sends, and apt only warns. NAMES is `-` if the
# statement has none. Needs $apt/targets.
misnamed() {
    while read -r archive address suite components; do
        # Archives that put their own name behind the release's do not so in the statement: buster/updates is of buster.
        release "$archive" "$suite" | SUITE=$suite awk '
            /^(Suite|Codename):/ { gsub(/^[^:]*:[ \t]*|[ \t\r]+$/, ""); if ($0 != "") names[++count] = $0 }
            END {
                asked = start = ENVIRON["SUITE"]
                sub(/\/[^\/]*$/, "", start)
                for (n = 1; n <= count; n++) {
                    if (names[n] == asked || names[n] == start) exit
                    if (!seen[names[n]]++) all = all (all == "" ? "" : ", ") names[n]
                }
                print all == "" ? "-" : all
            }' > "$apt/names"
        [ ! -s "$apt/names" ] || echo "$archive $address $suite $(cat "$apt/names")"
    done < "$apt/sources"
}

# `is_own ARCHIVE`: true for a repository of the profile.
is_own() {
    [ -e "/run/in/keys/$1.gpg" ]
}

# `other_suites`: prints an error in the form of those of apt for each archive of the distribution with another suite: see
# verdicts.sh. Needs $apt/misnamed, from `misnamed`.
other_suites() {
    while read -r archive address suite names; do
        is_own "$archive" || echo "E: Conflicting distribution: $address $suite Release (it is of $names)"
    done < "$apt/misnamed"
}

# `odd_suites`: prints a line for people about each repository of the profile whose suite has another name: many of them
# have one name for all, so that is not refused.
odd_suites() {
    while read -r archive address suite names; do
        if is_own "$archive" && [ "$names" != - ]; then
            echo "the repository $archive: what it has as suite $suite is signed as that of $names"
        fi
    done < "$apt/misnamed"
}

# `dates`: prints lines of ARCHIVE SUITE DATE for all that is in sources.list. Needs what `require_components` left.
dates() {
    while read -r archive address suite components; do
        date=$(release "$archive" "$suite" | sed -n 's/^Date: *//p')
        echo "$archive $suite $(date -u -d "$date" +%Y-%m-%dT%H:%M:%SZ)"
    done < "$apt/sources"
}

# `entries INDEXES [FIELDS]`: prints what the indexes name, tab-separated: archive, name, version, architecture, path, size,
# SHA-256, `yes` if it is essential, and the KiB that it takes when it is installed. INDEXES is from `downloaded`. With
# `Recommends|Provides` as FIELDS, these follow.
entries() {
    while read -r archive _ file _; do
        grep -E "^((Package|Version|Architecture|Filename|Size|SHA256|Essential|Installed-Size${2:+|$2}): |\$)" "$file" |
            ARCHIVE=$archive awk '
            function told() {
                if ("SHA256" in field) print ENVIRON["ARCHIVE"] "\t" field["Package"] "\t" field["Version"] "\t" \
                    field["Architecture"] "\t" field["Filename"] "\t" field["Size"] "\t" field["SHA256"] "\t" \
                    field["Essential"] "\t" field["Installed-Size"] "\t" field["Recommends"] "\t" field["Provides"]
                split("", field)
            }
            $0 == "" { told(); next }
            /^(Recommends|Provides):/ {
                name = substr($1, 1, length($1) - 1)
                gsub(/\t/, " ")
                sub(/^[^ ]+ +/, "")
                field[name] = $0
                next
            }
            { field[substr($1, 1, length($1) - 1)] = $2 }
            $1 == "Filename:" { sub(/^(\.\/+)+/, "", field["Filename"]) }
            END { told() }'
    done < "$1"
}

# `keep INDEXES`: packs the indexes with the signed files that name them, as a mirror of each archive has them. With the
# archives' keys they prove that it has a package.
# out: indexes (tar.zst of ARCHIVE/dists/SUITE/…)
# Needs $apt/targets.
keep() {
    kept=${apt%/*}/packed
    while read -r archive suite file place; do # Also of a suite that has no package yet.
        directory=$kept/$archive/dists/$suite
        mkdir -p "$directory"
        signed=$(start "$file" "$place")
        for name in InRelease Release Release.gpg; do
            [ ! -e "$signed$name" ] || cp "$signed$name" "$directory/$name"
        done
    done < "$apt/targets"
    while read -r archive suite file place; do
        directory=$kept/$archive/dists/$suite
        mkdir -p "$directory/${place%/*}"
        cp "$file" "$directory/$place" # apt uses no index whose uncompressed form is not signed.
    done < "$1"
    tar -C "$kept" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --format=ustar -c . | zstd -q -3 -T0 > /run/out/indexes
    rm -r "$kept"
}

# `unpack ARCHIVE`: unpacks what `keep` packed of one archive to /run/work/mirror/ARCHIVE: nothing, if that has no package yet.
# If it is damaged, leaves $TMPDIR/damaged and fails.
# in: indexes, archives
unpack() {
    # tar fails for a name that it does not find as it does for damage, so the names are those to leave out.
    sort -u /run/in/archives | grep -vxF -e "$1" | sed 's,^,./,' > "$TMPDIR/others" || true
    { zstd -q -dc /run/in/indexes || : > "$TMPDIR/damaged"; } |
        tar -C "/run/work/mirror/$1" --strip-components=2 --anchored --no-wildcards --exclude-from="$TMPDIR/others" \
            --no-same-owner --no-same-permissions -x || : > "$TMPDIR/damaged"
    [ ! -e "$TMPDIR/damaged" ]
}
