//! `cargo loom`: all models hold, all mutants are caught.

use std::process::ExitCode;

fn main() -> ExitCode {
    loom_tests::harness::main()
}
