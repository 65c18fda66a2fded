#!/bin/sh
# Installs the C library and builds two programs with what was installed, as a user would: capi/tests/installed.sh PREFIX
set -eu
cd "$(dirname "$0")/../.."
case ${1:?usage: capi/tests/installed.sh PREFIX} in
/*) prefix=$1 ;;
*) prefix=$PWD/$1 ;;
esac
capi/install.sh "$prefix"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
if command -v pkg-config >/dev/null; then
  flags=$(pkg-config --cflags --libs twinring_c)
else
  echo "no pkg-config: its file is not tried"
  flags="-I$prefix/include -L$prefix/lib -ltwinring_c"
fi
# The flags are words, not one.
# shellcheck disable=SC2086
cc -std=c11 -D_GNU_SOURCE -o "$programs/shared" capi/tests/programs/messages.c $flags "-Wl,-rpath,$prefix/lib"
cc -std=c11 -D_GNU_SOURCE "-I$prefix/include" -o "$programs/static" capi/tests/programs/messages.c \
  "$prefix/lib/libtwinring_c.a" -lpthread -ldl -lm
"$programs/shared"
"$programs/static"
