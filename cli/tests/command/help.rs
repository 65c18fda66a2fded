//! What the command says of itself, and of wrong arguments.

use super::running::Place;

fn help_of(arguments: &[&str]) -> String {
    let output = Place::new().run(arguments);
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_names_every_command_and_gives_examples() {
    let help = help_of(&["--help"]);
    for command in ["bench", "listen", "connect", "echo", "ping", "serve", "call", "stat", "top"] {
        assert!(help.contains(&format!("\n  {command}")), "{command} in\n{help}");
    }
    assert!(help.contains("Examples:") && help.contains("tar c directory | twinring connect files"), "{help}");
    assert!(
        !help.contains("\n  second") && !help.contains("\n  keeper"),
        "what is for the command itself is hidden:\n{help}"
    );
}

#[test]
fn each_command_has_a_help_with_an_example() {
    for command in ["bench", "listen", "connect", "echo", "ping", "serve", "call", "stat", "top"] {
        let help = help_of(&[command, "--help"]);
        assert!(help.contains("Usage: twinring") && help.contains("Example"), "{help}");
    }
}

#[test]
fn what_measures_by_hand_says_where_it_may_run() {
    for (command, other) in [("echo", "ping"), ("ping", "echo")] {
        let help = help_of(&[command, "--help"]);
        let said = format!("The core to run on, or none [default: with --wait spin, another than {other}'s]");
        assert!(help.contains("--core <N>") && help.contains(&said), "{help}");
    }
}

#[test]
fn help_fits_a_terminal() {
    for command in [
        None,
        Some("bench"),
        Some("listen"),
        Some("echo"),
        Some("ping"),
        Some("serve"),
        Some("call"),
        Some("stat"),
        Some("top"),
    ] {
        let help = help_of(&command.into_iter().chain(["--help"]).collect::<Vec<_>>());
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} in\n{help}");
    }
}

/// The examples of a help, as a terminal of so many columns shows them.
fn examples(place: &Place, command: &str, columns: &str) -> String {
    let output = place.command(&[command, "--help"]).env("COLUMNS", columns).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    help.split_once("\nExample").expect(command).1.to_owned()
}

#[test]
fn no_line_of_an_example_is_broken_by_80_columns() {
    let place = Place::new();
    for command in ["bench", "listen", "connect", "echo", "ping", "serve", "call", "attach", "stat", "top"] {
        assert_eq!(examples(&place, command, "80"), examples(&place, command, "100"), "{command}");
    }
    let whole = |columns| {
        let output = place.command(&["--help"]).env("COLUMNS", columns).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split_once("\nExamples:").expect("examples").1.to_owned()
    };
    assert_eq!(whole("80"), whole("100"));
}

#[test]
fn the_version_is_that_of_the_command() {
    let output = Place::new().run(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), concat!("twinring ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_arguments_are_a_usage_error_that_says_what_is_allowed() {
    let cases: [(&[&str], &str); 14] = [
        (&["top", "--interval", "0"], "expected 0.05 to 3600 seconds, not \"0\""),
        (&["bench", "--mode", "sleep"], "[possible values: spin, adaptive, park]"),
        (&["bench", "--size", "7"], "expected 8 to 67108864 bytes, not 7"),
        (&["bench", "--json", "--csv"], "'--json' cannot be used with '--csv'"),
        (&["bench", "--mechanism", "twinrings"], "twinring-call-shared"),
        (&["bench", "--mechanism", "pipes"], "unix-seqpacket, tcp, mq-posix"),
        (&["serve", "name", "--echo", "--exec", "cat"], "--exec"),
        (&["call", "name", "--selector", "4294967296"], "4294967296 is not in 0..=4294967295"),
        (&["bench", "--rounds", "0"], "1..=1000"),
        (&["connect", "name", "--timeout", "soon"], "expected a number of seconds, not \"soon\""),
        (&["echo", "name", "--core", "0,1"], "expected the number of a core or none, not \"0,1\""),
        (&["ping", "name", "--core", "any"], "expected the number of a core or none, not \"any\""),
        (&["listen"], "<NAME>"),
        (&["--rounds", "1", "bench"], "--rounds"),
    ];
    for (arguments, expected) in cases {
        let output = Place::new().run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn the_help_of_call_says_what_each_exit_status_means() {
    let help = help_of(&["call", "--help"]);
    for (status, meaning) in [(0, "printed"), (1, "has not run"), (3, "may have run"), (4, "ran, and failed")] {
        let told = |line: &str| line.starts_with(&format!("  {status}  ")) && line.contains(meaning);
        assert!(help.lines().any(told), "{status} in\n{help}");
    }
}
