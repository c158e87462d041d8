# Sourced by the scripts that run apt: its own configuration in $apt, independent of that of the tools tree.
apt=${apt:-/run/work/apt}
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/etc/preferences.d" "$apt/etc/apt.conf.d"
: > "$apt/status"
cat > "$apt/apt.conf" <<END
Dir::Etc "$apt/etc";
Dir::Etc::SourceList "$apt/etc/sources.list";
Dir::Etc::SourceParts "$apt/etc/none";
Dir::Etc::Trusted "$apt/etc/none";
Dir::Etc::TrustedParts "$apt/etc/none";
Dir::State "$apt/state";
Dir::State::Status "$apt/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::ForceHash "sha256";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Get::AllowUnauthenticated "false";
quiet "1";
END
export APT_CONFIG="$apt/apt.conf"

# `installed INDEX [hold]`: marks the packages of an index as installed; with `hold`, apt may not change them, and says why it
# would have to.
installed() {
    sed "s/^Package: .*/&\nStatus: ${2:-install} ok installed/" "$1" > "$apt/status"
}
