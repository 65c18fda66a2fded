//! What is found in a piece of source, and what is written for it.

use twinring_mutation::find::find;

/// The names of the mutants of a body in the ring, without the file and the function; and the text.
fn found(body: &str) -> (Vec<String>, String) {
    let found = find("ring/a.rs", &format!("fn f() {{ {body} }}"), 1).expect("source");
    let names = found.mutants.iter().map(|mutant| mutant.name.strip_prefix("ring/a.rs:f:").expect("a name").to_owned());
    let text = found.text.replace("crate::switch::", "");
    (
        names.collect(),
        text.strip_prefix("fn f() { ").and_then(|text| text.strip_suffix(" }")).expect("a body").to_owned(),
    )
}

fn assert_found(body: &str, names: &[&str], text: &str) {
    assert_eq!(found(body), (names.iter().map(|&name| name.to_owned()).collect(), text.to_owned()), "{body}");
}

#[test]
fn orderings_are_weakened_by_one_step() {
    assert_found(
        "let a = x.load(Ordering::Acquire);",
        &["acquire-to-relaxed:1"],
        "let a = x.load(pick(1, Ordering::Acquire, Ordering::Relaxed));",
    );
    assert_eq!(found("let a = x.load(Ordering::SeqCst);").0, ["seqcst-to-acquire:1"]);
    assert_eq!(found("let a = x.swap(1, Ordering::AcqRel);").0, ["acqrel-to-acquire:1", "acqrel-to-release:1"]);
    assert_eq!(found("let a = x.load(Ordering::Relaxed);").0, [""; 0]);
}

#[test]
fn what_is_called_for_what_it_does_is_left_out() {
    assert_found("own.fence();", &["no-fence:1"], "if !on(1) { own.fence(); }");
    assert_found("check(a)?;", &["no-check:1"], "if !on(1) { check(a)?; }");
    assert_found("let _ = x.wake();", &["no-wake:1"], "if !on(1) { let _ = x.wake(); }");
    assert_found("self.a = 1;", &["no-assign:1"], "if !on(1) { self.a = 1; }");
    assert_eq!(found("let a = x.wake();").0, [""; 0]);
}

#[test]
fn conditions_and_their_operands_hold_always_or_never() {
    assert_found(
        "if a && b { return; }",
        &["true:1", "false:1", "true:2", "true:3"],
        "if (on(1) || (!on(2) && ((on(3) || (a)) && (on(4) || (b))))) { return; }",
    );
    assert_eq!(found("if let A(x) = a && b { return; }").0, ["no-let:1", "true:1", "false:1"]);
    assert_eq!(found("while a { b }").0, ["false:1"]);
    assert_found("match a { A => 1, _ => 2 };", &["no-arm:1"], "match a { A if !on(1) => 1, _ => 2 };");
}

#[test]
fn comparisons_are_off_by_one() {
    assert_found(
        "let c = a < b;",
        &["true:1", "false:1", "boundary:1"],
        "let c = (on(1) || (!on(2) && (lt(3, &(a ), &( b)))));",
    );
    assert_found("let c = a == b;", &["opposite:1"], "let c = ((a == b) != on(1));");
}

#[test]
fn bounds_of_foreign_words_are_off_by_one() {
    assert_found(
        "let a = Corrupt::check(what, seen, 0, most)?;",
        &["one-more:1", "one-more:2", "one-less:1"],
        "let a = Corrupt::check(what, seen, more(1, 0), near(2, 3, most))?;",
    );
}

#[test]
fn what_is_not_of_the_core_has_its_orderings_fences_and_wakes_mutated() {
    let names = |file| {
        let source = "fn f() { x.notify_one(); x.step(); if a { x.store(1, Ordering::Release); } }";
        find(file, source, 1).expect("source").mutants.into_iter().map(|mutant| mutant.name).collect::<Vec<_>>()
    };
    assert_eq!(names("service/a.rs"), ["service/a.rs:f:no-notify_one:1", "service/a.rs:f:release-to-relaxed:1"]);
    assert_eq!(names("memory/copy.rs"), [""; 0]);
}
