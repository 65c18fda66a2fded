//! What the tests of twinring would let pass: its library with one thing wrong at a time.
//!
//! ```sh
//! cargo run --manifest-path mutation/Cargo.toml -- --check    # the explanations fit the mutants
//! cargo run --manifest-path mutation/Cargo.toml -- --list     # the names of all mutants
//! cargo run --manifest-path mutation/Cargo.toml -- --sample   # a few that must be killed, within seconds
//! cargo run --manifest-path mutation/Cargo.toml               # all of them; goes on where it was stopped
//! cargo run --manifest-path mutation/Cargo.toml -- ring/ lead # those whose names contain one of these
//! ```
//!
//! All mutants are built at once, each behind a switch ([`find`]), into a copy of the repository ([`tree`]). Each test is run
//! once to learn what it comes by ([`reach`]); then each mutant is tried with the tests of its module ([`scope`]) that come
//! by it, the quickest first ([`trial`]). A survivor needs a better test, or a reason in `explained.txt` ([`explained`]).
//! Survivors without a reason are tried again in each run, with `--again` all others too; `--jobs N` says how many at a time. The tests of one
//! mutant take ten seconds at most, or `--patience N`.

pub mod edit;
pub mod explained;
pub mod find;
pub mod ledger;
pub mod mistakes;
pub mod mutant;
pub mod orders;
pub mod reach;
pub mod sample;
pub mod scope;
pub mod suite;
pub mod summary;
pub mod syntax;
pub mod threads;
pub mod tree;
pub mod trial;
