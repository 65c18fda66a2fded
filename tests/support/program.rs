//! The examples as programs.

use std::env;
use std::path::PathBuf;

/// Where cargo puts the examples: beside the directory of this test.
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the path of the test");
    let directory = test.ancestors().nth(2).expect("a target directory").join("examples");
    let program = directory.join(name);
    let advice =
        "`cargo test` builds the examples, `cargo test --test examples` alone needs `cargo build --examples` first";
    assert!(program.is_file(), "there is no {}: {advice}", program.display());
    program
}
