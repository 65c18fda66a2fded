#!/bin/sh
# Installs the C library, builds the Python package with it, and runs its tests: capi/python/tests/run.sh PREFIX [TEST...]. What is
# missing is said, and the tests are left out then.
set -eu
cd "$(dirname "$0")/../../.."
case ${1:?usage: capi/python/tests/run.sh PREFIX [TEST...]} in
/*) prefix=$1 ;;
*) prefix=$PWD/$1 ;;
esac
shift

python=
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
  if "$candidate" -c 'import cffi, setuptools, sysconfig; open(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "the Python package is left out: it needs python3 with cffi, setuptools and Python.h (Debian: python3-cffi python3-dev)"
  exit 0
fi

capi/install.sh "$prefix"
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
cp -R capi/python "$built/package"
(cd "$built/package" && TWINRING_PREFIX="$prefix" "$python" setup.py --quiet build --build-lib "$built/lib" >"$built/log" 2>&1) || {
  cat "$built/log"
  exit 1
}

# The peer in Rust is the command, as `cargo run --release` builds it.
cargo build --release --bin twinring
command=${CARGO_TARGET_DIR:-target}/release/twinring
case $command in
/*) ;;
*) command=$PWD/$command ;;
esac

cd capi/python/tests
export PYTHONPATH="$built/lib" PYTHONDONTWRITEBYTECODE=1 TWINRING_COMMAND="$command"
if [ $# -gt 0 ]; then
  timeout 120 "$python" -W error -m unittest "$@"
else
  timeout 120 "$python" -W error -m unittest discover
fi
