//! The header is what the source says, and says of every function which threads may call it.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The header as it is to be.
fn made() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("a configuration");
    let bindings = cbindgen::generate_with_config(root(), config).expect("a source that can be read");
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("a text").lines().map(|line| format!("{}\n", polished(line))).collect()
}

/// The codes are what is written most: `twinring_status` says what they are, so their names need not. And a star stands where
/// it does elsewhere, though it comes from a name in the configuration.
fn polished(line: &str) -> String {
    let line = line.replace("TWINRING_STATUS_", "TWINRING_");
    if line.trim_start().starts_with(['*', '/']) { line } else { line.replace(" * ", " *") }
}

#[test]
fn the_header_is_up_to_date() {
    let (path, made) = (root().join("include/twinring.h"), made());
    if std::env::var_os("TWINRING_HEADER").is_some_and(|how| how == "write") {
        fs::write(&path, &made).expect("a header that can be written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "{} is not what the source says: TWINRING_HEADER=write cargo test -p twinring-c",
        path.display()
    );
}

/// What stands in the header of each function: its comment and its declaration.
fn functions(header: &str) -> Vec<(&str, &str)> {
    let (_, functions) = header.split_once("extern \"C\" {").expect("functions");
    let comments = functions.split("/**").skip(1);
    comments.map(|part| part.split_once("*/").expect("a comment that ends")).collect()
}

#[test]
fn every_function_says_which_threads_may_call_it() {
    let made = made();
    let functions = functions(&made);
    assert!(functions.len() > 80, "only {} functions found", functions.len());
    for (comment, declaration) in functions {
        let says = comment.contains("Threads:") || comment.contains("The same") || comment.contains("Any thread");
        assert!(says, "which threads may call this?{declaration}");
    }
}
