//! The `twinring` command. All of it is in the library of this package, which `rivals/` builds on too.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinring_cli::main()
}
