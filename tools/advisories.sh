#!/usr/bin/env bash
# Compares the dependencies in Cargo.lock with a database of security advisories. `make advisories DB=DIRECTORY` calls it.
#
#     tools/advisories.sh DIRECTORY
#
# The directory is a clone of https://github.com/RustSec/advisory-db. It is not updated, so update it first. An advisory for any
# dependency is a failure, and so is a dependency that was yanked or is not maintained.
set -euo pipefail
database=${1-}
cd "$(dirname "$0")/.."

if [ ! -d "$database/crates" ] || ! git -C "$database" rev-parse --quiet --verify HEAD >/dev/null; then
    echo "\"$database\" is not a clone of https://github.com/RustSec/advisory-db: clone it, and pass DB=DIRECTORY" >&2
    exit 1
fi
command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# cargo-deny fetches the branch main of a repository, and the clone may be on another branch.
git clone --quiet --bare "$database" "$work/database"
git -C "$work/database" update-ref refs/heads/main HEAD
# The configuration of cargo-deny accepts no local directory, so git uses the clone in the place of the original.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/database.insteadOf" GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
{
    cat deny.toml
    printf '\n[advisories]\ndb-path = "%s"\nyanked = "deny"\n' "$work/databases"
} >"$work/deny.toml"
echo "advisories up to $(git -C "$work/database" log -1 --format=%cs)"
cargo deny --all-features --config "$work/deny.toml" check advisories
