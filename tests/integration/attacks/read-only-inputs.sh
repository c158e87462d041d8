# Writes to what it was given to read: directly, through parents, links and new mounts.
through=0
got() {
    echo "$*"
    through=1
}
for place in $READ_ONLY; do
    [ -e "$place" ] || continue
    (: > "$place/attack") 2> /dev/null && got "made $place/attack" && rm -f "$place/attack"
    chmod 0777 "$place" 2> /dev/null && got "chmod $place"
    for file in "$place"/*; do
        [ -f "$file" ] || continue
        (exec 3>> "$file") 2> /dev/null && got "opened $file"
        touch -c "$file" 2> /dev/null && got "touched $file"
        chown 0:0 "$file" 2> /dev/null && got "chown $file"
        mv "$file" "$file.moved" 2> /dev/null && got "moved $file" && mv "$file.moved" "$file"
        ln "$file" "$TMP/link" 2> /dev/null && got "linked $file" && rm -f "$TMP/link"
        ln -s "$file" "$TMP/symlink" && (exec 3>> "$TMP/symlink") 2> /dev/null && got "opened $file by a link"
        rm -f "$TMP/symlink"
        break
    done
    parent=$place/../..$place
    (: > "$parent/attack") 2> /dev/null && got "made $parent/attack" && rm -f "$parent/attack"
    for options in remount,rw remount,bind,rw; do
        mount -o "$options" "$place" 2> /dev/null && (: > "$place/attack") 2> /dev/null && got "$options $place" &&
            rm -f "$place/attack"
    done
    mkdir -p "$TMP/again"
    if mount --bind "$place" "$TMP/again" 2> /dev/null; then
        mount -o remount,bind,rw "$TMP/again" 2> /dev/null
        (: > "$TMP/again/attack") 2> /dev/null && got "bound $place again" && rm -f "$TMP/again/attack"
        umount "$TMP/again"
    fi
    # What lies below a mount must not be the host's either.
    if umount "$place" 2> /dev/null; then
        [ ! -e "$place/$CANARY_NAME" ] || got "unmounted $place and saw the host"
    fi
done
exit $through
