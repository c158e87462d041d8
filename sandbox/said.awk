# Reads what a generator of an initramfs and its hooks print, and prints what of it tells that something is left out, which
# none of them ends for: `refused NAME LINE` or `told NAME LINE`, where NAME is the hook that prints LINE, or `-`.
# -v own=FILE: the hooks of the profile, a line `NAME PATH` for each; -v keymap=WORD: not empty if it has a keyboard layout
# Refused are an error of a hook of the profile, an error or a warning of the generator itself, which is about its
# configuration, and what is known to leave out something that the profile asks for. The rest is a package's to decide.
BEGIN {
    while ((getline line < own) > 0) { sub(/ .*/, "", line); mine[line] = 1 }
    hook = "-"

    # Its modules name firmware of many machines; what must be there the profile says with `firmware`.
    harmless = "Possibl[ey] missing firmware"
    # Kernels without such drivers lack nothing.
    harmless = harmless "|No module containing the symbol"
    # Newer packages of a kernel have its configuration elsewhere; kernels of Debian have each compression.
    harmless = harmless "|Kernel configuration .* is missing, .* cannot be checked and is assumed to be available"
    # The root of a live system is in no fstab.
    harmless = harmless "|Couldn't determine root device"
    # With this list the profile says itself which modules there are.
    harmless = harmless "|not including drm modules since MODULES=list"
    # The directory of firmware that the builder's own kernel was told to use.
    harmless = harmless "|/sys/module/firmware_class/parameters/path"
    # Hooks look for the devices of the machine that they run on, and a live system is for others.
    harmless = harmless "|no matching swap device|failed to select a resume device|MD subsystem is not loaded"
    harmless = harmless "|W: mdadm: (no MD arrays|failed to auto-generate the mdadm.conf|please read )"
    harmless = harmless "|[Cc]ouldn't identify type of root|configuration sets RESUME="

    error = "^E: |^==> ERROR: |^dracut(\\[[EF]\\])?: (FAILED|FATAL|ERROR)|^dracut\\[[EF]\\]|dracut-install: ERROR"
    warning = "^W: |^(==> )?(WARNING|Warning): |: WARNING: |^dracut(\\[W\\]: |: (WARNING|Warning))"
    # What programs and shells print in a script that goes on.
    of_script = "No such file or directory|: not found|command not found|cannot (stat|open|access|create|execute|copy)"
    of_script = of_script "|[Ss]yntax error|Permission denied|[Ii]llegal option|[Ii]nvalid option"

    left_out = "^W: .*(using gzip|[Ff]alling back)|^(==> )?W.*[Uu]sing gzip|compression.*(using gzip|falling back)"
    left_out = left_out "|Unable to locate compression method"
    left_out = left_out "|plymouth module .* missing, skipping plymouth|^W: plymouth: The plugin .* is missing"
    left_out = left_out "|WARNING: (couldn't copy keyfile|Skipping |Target .* has a non-existing key file)"
    left_out = left_out "|will \\*NOT\\* have live support"
    # Without a layout there is nothing to load.
    if (keymap) left_out = left_out "|^setupcon is missing|^setupcon: "
}
# Names of temporary files differ each time.
{ gsub(/\/var\/tmp\/[^ \/'"]+/, ""); gsub(/[^ -~]/, "?"); line = substr($0, 1, 300) }
/^Calling hook / { hook = $3; next }
/\*\*\* Including module: / { hook = $0; sub(/.*\*\*\* Including module: /, "", hook); sub(/ \*\*\*.*/, "", hook); next }
/Running build hook: \[/ { hook = $0; sub(/.*\[/, "", hook); sub(/\].*/, "", hook); next }
/^Building cpio |\*\*\* Including modules done|^==> [A-Z][a-z]/ { hook = "-" }
line ~ harmless { next }
# A module of dracut that no profile asks for, and that needs more than there is.
match(line, /[Mm]odule '[^']*' (depends on|will not be installed|cannot be installed)/) {
    split(substr(line, RSTART), words, "'")
    if (!(words[2] in mine)) next
    hook = words[2]
    if (!seen[line]++) print "refused", hook, line
    next
}
line ~ left_out || hook in mine && (line ~ error || line ~ of_script) || hook == "-" && (line ~ error || line ~ warning) {
    if (!seen[line]++) print "refused", hook, line
    next
}
line ~ error || line ~ warning { if (!seen[line]++) print "told", hook, line }
