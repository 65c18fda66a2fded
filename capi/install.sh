#!/bin/sh
# Builds the C library and installs it: capi/install.sh PREFIX. DESTDIR is put before what is written, for packagers. Needs cargo
# alone.
set -eu
prefix=${1:?usage: capi/install.sh PREFIX}
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
major=${version%%.*}
minor=${version#*.}
# Before 1.0 every minor version may differ from the one before.
if [ "$major" -eq 0 ]; then soname=libtwinring_c.so.0.${minor%%.*}; else soname=libtwinring_c.so.$major; fi
target=${CARGO_TARGET_DIR:-target}

cargo rustc --release -p twinring-c --crate-type cdylib -- -C "link-arg=-Wl,-soname,$soname"
to=${DESTDIR:-}$prefix
install -d "$to/include" "$to/lib/pkgconfig"
install -m 755 "$target/release/libtwinring_c.so" "$to/lib/libtwinring_c.so.$version"
ln -sf "libtwinring_c.so.$version" "$to/lib/$soname"
ln -sf "$soname" "$to/lib/libtwinring_c.so"

cargo rustc --release -p twinring-c --crate-type staticlib
install -m 644 "$target/release/libtwinring_c.a" "$to/lib/"

install -m 644 capi/include/twinring.h capi/include/generic_ipc.h "$to/include/"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" capi/twinring_c.pc.in >"$to/lib/pkgconfig/twinring_c.pc"
echo "installed in $to: PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs twinring_c"
