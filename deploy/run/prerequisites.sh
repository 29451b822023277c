#!/bin/sh
# Installs what the build needs beside a Rust toolchain: a C++ compiler and libclang, for RocksDB.
# With the word "test" also nft, with which tests cut members off from each other; where it cannot be
# installed, those tests are skipped.
# usage: prerequisites.sh [test]
set -eu

missing=""
command -v g++ >/dev/null 2>&1 || missing="$missing g++"
if [ -z "$(ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* 2>/dev/null)" ] \
    && [ -z "${LIBCLANG_PATH:-}" ]; then
    missing="$missing libclang-dev"
fi
if ! command -v cargo >/dev/null 2>&1; then
    echo "There is no cargo: install a Rust toolchain (1.93 or newer) from your distribution or with rustup, then try again." >&2
    exit 1
fi
wanted=""
if [ "${1:-}" = test ]; then
    PATH="$PATH:/usr/sbin:/sbin" command -v nft >/dev/null 2>&1 || wanted=" nftables"
fi
[ -z "$missing$wanted" ] && exit 0

# Whether packages can be installed without asking anybody.
can_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}
if [ -n "$wanted" ] && [ -z "$missing" ] && ! can_install; then
    echo "Without$wanted the tests that cut members off from each other are skipped. To have them: apt-get install$wanted" >&2
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "The build needs$missing (RocksDB is compiled from source). Install them with your package manager, then try again." >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "The build needs$missing. Run as root: apt-get install$missing" >&2
        exit 1
    fi
    sudo="sudo"
fi
echo "Installing$missing$wanted with apt-get..."
if ! $sudo apt-get update -qq && [ -n "$missing" ]; then
    echo "apt-get cannot read the list of packages: install$missing by hand, then try again." >&2
    exit 1
fi
# shellcheck disable=SC2086 # A list of packages.
[ -z "$missing" ] || $sudo apt-get install -y -qq --no-install-recommends $missing
if [ -n "$wanted" ]; then
    # shellcheck disable=SC2086 # A list of packages.
    $sudo apt-get install -y -qq --no-install-recommends $wanted ||
        echo "Without$wanted the tests that cut members off from each other are skipped." >&2
fi
