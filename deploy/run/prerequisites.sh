#!/bin/sh
# Installs what the build needs beside a Rust toolchain: a C++ compiler and libclang, for RocksDB.
set -eu

missing=""
command -v g++ >/dev/null 2>&1 || missing="$missing g++"
if ! ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* >/dev/null 2>&1 \
    && [ -z "${LIBCLANG_PATH:-}" ]; then
    missing="$missing libclang-dev"
fi
if ! command -v cargo >/dev/null 2>&1; then
    echo "There is no cargo: install a Rust toolchain (1.90 or newer) from your distribution or with rustup, then try again." >&2
    exit 1
fi
[ -z "$missing" ] && exit 0

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
echo "Installing$missing with apt-get..."
$sudo apt-get update -qq
# shellcheck disable=SC2086 # A list of packages.
$sudo apt-get install -y -qq --no-install-recommends $missing
