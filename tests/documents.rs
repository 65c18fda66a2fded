//! The documents name what exists: tests, models, fuzz targets, files, functions, and what CI runs.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 6] =
    ["README.md", "docs/DESIGN.md", "docs/GUIDE.md", "docs/MIGRATING.md", "docs/SAFETY.md", "docs/TESTING.md"];

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between single backticks, outside of blocks of code.
fn spans(text: &str) -> Vec<&str> {
    let prose = text.split("\n```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// What is wrong with a name, if it is one that can be looked up.
fn fault(name: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "_./:-".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    match name.split_once("::") {
        Some(("models", model)) => absent(name, &read("loom_tests/src/models.rs"), &format!("(\"{model}\", ")),
        Some(("fuzz", target)) => {
            let target = format!("fuzz/fuzz_targets/{target}.rs");
            (!root().join(&target).exists()).then(|| format!("{name}: there is no {target}"))
        }
        Some((file, function)) if file.ends_with(".rs") => test_fault(name, &format!("tests/{file}"), function),
        Some((kind, method)) if kind.starts_with(char::is_uppercase) => method_fault(name, kind, method),
        Some(_) => None,
        None => path_fault(name),
    }
}

fn absent(name: &str, text: &str, wanted: &str) -> Option<String> {
    (!text.contains(wanted)).then(|| format!("{name}: there is no {wanted}"))
}

fn test_fault(name: &str, file: &str, function: &str) -> Option<String> {
    let Ok(text) = fs::read_to_string(root().join(file)) else { return Some(format!("{name}: there is no {file}")) };
    let Some((before, _)) = text.split_once(&format!("fn {function}(")) else {
        return Some(format!("{name}: {file} has no such function"));
    };
    // The attribute stands right above, or above its comment.
    let tested = before.lines().rev().take(4).any(|line| line.trim() == "#[test]");
    (!tested).then(|| format!("{name}: that function is no test"))
}

/// A method, a constant or a variant of a type of the library.
fn method_fault(name: &str, kind: &str, method: &str) -> Option<String> {
    let method = method.trim_end_matches("()");
    let item = [format!("fn {method}("), format!("fn {method}<"), format!("const {method}:"), format!("    {method}")];
    let of_type = [format!("struct {kind}"), format!("enum {kind}"), format!("trait {kind}")];
    let has = |text: &String, wanted: &[String]| wanted.iter().any(|wanted| text.contains(wanted));
    let found = sources(&root().join("src")).iter().any(|text| has(text, &of_type) && has(text, &item));
    (!found).then(|| format!("{name}: the library has no such thing"))
}

fn sources(directory: &Path) -> Vec<String> {
    let paths = fs::read_dir(directory).expect("a directory of sources").map(|entry| entry.expect("an entry").path());
    let texts =
        paths.flat_map(
            |path| {
                if path.is_dir() { sources(&path) } else { vec![fs::read_to_string(path).expect("a source")] }
            },
        );
    texts.collect()
}

/// A path of the repository: what has a known beginning or end.
fn path_fault(name: &str) -> Option<String> {
    let known = [
        "src/",
        "docs/",
        "tests/",
        "examples/",
        "fuzz/",
        "loom_tests/",
        "cli/",
        "capi/",
        "benches/",
        "mutation/",
        ".ci/",
    ];
    let is_path = known.iter().any(|start| name.starts_with(start));
    (is_path && !root().join(name).exists()).then(|| format!("{name}: there is no such file"))
}

#[test]
fn every_name_in_the_documents_exists() {
    for document in DOCUMENTS {
        let text = read(document);
        let spans = spans(&text);
        assert!(spans.len() > 15, "{document} names only {} things", spans.len());
        let faults: Vec<_> = spans.into_iter().filter_map(fault).collect();
        assert!(faults.is_empty(), "{document}:\n{}", faults.join("\n"));
    }
}

#[test]
fn every_claim_about_safety_names_what_shows_it() {
    let text = read("docs/SAFETY.md");
    // What the code says `unsafe` for is counted by another test.
    let claims = text.split("\n## ").filter(|section| !section.starts_with("Unsafe code"));
    let rows = claims.flat_map(str::lines).filter(|line| line.starts_with("| ") && !line.contains("| shown by |"));
    let mut count = 0;
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        assert!(shown_by.contains("::") || shown_by.contains("mutants.rs"), "nothing shows this: {row}");
        count += 1;
    }
    assert!(count > 40, "only {count} claims found");
}

#[test]
fn the_front_page_lists_what_ci_runs() {
    let (script, readme) = (read(".ci/run"), read("README.md"));
    let steps = script.lines().filter_map(|line| line.trim().strip_prefix("step "));
    // What stands in a shell as `A=b cargo` is told to `step` through `env`.
    let steps = steps.map(|step| step.strip_prefix("env ").unwrap_or(step));
    let steps: Vec<_> = steps.filter(|step| !step.contains('$')).collect();
    assert!(steps.len() >= 8, "only {steps:?} found");
    for step in steps {
        assert!(readme.contains(&format!("\n{step}")), "README.md does not list: {step}");
    }
    let targets = script.split_once("for target in ").and_then(|(_, rest)| rest.split_once(';')).expect("targets").0;
    let fuzzing = readme.lines().find(|line| line.contains("cargo +nightly fuzz run")).expect("a line about fuzzing");
    for target in targets.split_whitespace() {
        assert!(fuzzing.contains(target), "README.md does not name the fuzz target {target}");
        assert!(read(".ci/long").contains(target), ".ci/long leaves out the fuzz target {target}");
    }
    let directory = fs::read_dir(root().join("fuzz/fuzz_targets")).expect("the fuzz targets");
    assert_eq!(directory.count(), targets.split_whitespace().count(), "CI leaves out a fuzz target");
}

#[test]
fn a_name_that_does_not_exist_is_found() {
    let bad = [
        ("models::no_such_model", "there is no"),
        ("fuzz::nothing", "there is no fuzz/fuzz_targets/nothing.rs"),
        ("nowhere.rs::nothing", "there is no tests/nowhere.rs"),
        ("death/kernel.rs::no_such_test", "has no such function"),
        ("death/kernel.rs::refused", "is no test"),
        ("Producer::no_such_method", "no such thing"),
        ("NoSuchType::commit", "no such thing"),
        ("src/no/such/file.rs", "no such file"),
        ("examples/none.rs", "no such file"),
    ];
    for (name, expected) in bad {
        let found = fault(name).unwrap_or_default();
        assert!(found.contains(expected), "{name}: {found:?}");
    }
    for good in
        ["models::ring_wrap", "fuzz::frame", "layering.rs::the_house_is_in_order", "Producer::commit", "src/lib.rs"]
    {
        assert_eq!(fault(good), None);
    }
    assert_eq!(spans("a `b` c\n```rust\nlet `x`\n```\n`d`"), ["b", "d"]);
}
