//! The table that the counts are held against: the one in `docs/PERFORMANCE.md`, so that what is read there is what is
//! checked.

use std::fs;
use std::path::{Path, PathBuf};

/// What was counted, or is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub name: String,
    pub size: usize,
    pub instructions: f64,
    /// Those of them that lock a cache line, fences among them: one of them takes as long as dozens of others.
    pub locked: f64,
}

/// What is expected of code by one compiler.
#[derive(Debug)]
pub struct Table {
    /// Of the document, before and after the table.
    around: [String; 2],
    compiler: String,
    counts: Vec<Count>,
}

/// The sizes of messages, in bytes: the columns.
pub const SIZES: [usize; 4] = [8, 56, 64, 1024];

/// The table's first line, before which the compiler is named.
const COMPILER: &str = "Counted of code by ";
const HEAD: &str = "| instructions | 8 B | 56 B | 64 B | 1 KiB | locked |\n|---|---|---|---|---|---|\n";

/// A larger part than this is a difference, if it is more than [`LEAST`], too.
const TOLERANCE: f64 = 0.01;

/// Another compiler makes other code of the same source.
const TOLERANCE_OF_ANOTHER_COMPILER: f64 = 0.15;

/// Instructions that are no difference: the counts are rounded.
const LEAST: f64 = 0.5;

/// The same of locked ones.
const LEAST_LOCKED: f64 = 0.1;

impl Table {
    pub fn read() -> Result<Self, String> {
        let text = fs::read_to_string(path()).map_err(|error| format!("{}: {error}", path().display()))?;
        Self::parse(&text).map_err(|fault| format!("docs/PERFORMANCE.md: {fault}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (before, rest) = text.split_once(COMPILER).ok_or_else(|| format!("expected a line {COMPILER}…"))?;
        let (compiler, rest) = rest.split_once(":\n\n").ok_or("expected a compiler, a colon and an empty line")?;
        let rest = rest.strip_prefix(HEAD).ok_or_else(|| format!("expected a table that begins {HEAD}"))?;
        let (rows, after) = rest.split_once("\n\n").ok_or("expected an empty line after the table")?;
        let counts = rows.lines().map(parse_row).collect::<Result<Vec<_>, _>>()?.concat();
        Ok(Self { around: [before.into(), after.into()], compiler: compiler.into(), counts })
    }

    /// Puts other counts into the document.
    pub fn write(self, compiler: &str, seen: &[Count]) -> Result<(), String> {
        let [before, after] = self.around;
        let rows: String = seen.chunks(SIZES.len()).map(row).collect();
        let text = format!("{before}{COMPILER}{compiler}:\n\n{HEAD}{rows}\n{after}");
        fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
    }

    /// What is not as expected of what was seen, a line each.
    pub fn differences(&self, compiler: &str, seen: &[Count]) -> Vec<String> {
        let tolerance = if compiler == self.compiler { TOLERANCE } else { TOLERANCE_OF_ANOTHER_COMPILER };
        seen.iter().filter_map(|seen| self.difference(tolerance, seen)).collect()
    }

    fn difference(&self, tolerance: f64, seen: &Count) -> Option<String> {
        let Some(expected) = self.counts.iter().find(|count| count.name == seen.name && count.size == seen.size) else {
            return Some(format!("{}, {} B: seen {:.1}, not in the table", seen.name, seen.size, seen.instructions));
        };
        let change = seen.instructions - expected.instructions;
        let more_or_less = change.abs() > LEAST && change.abs() > expected.instructions * tolerance;
        let locked = (seen.locked - expected.locked).abs() > LEAST_LOCKED;
        (more_or_less || locked).then(|| seen.against(expected))
    }

    /// Who compiled what the table counts.
    pub fn compiler(&self) -> &str {
        &self.compiler
    }

    /// The names that no count has: of operations that are gone.
    pub fn leftovers(&self, seen: &[Count]) -> Vec<String> {
        let is_seen = |expected: &&Count| seen.iter().any(|seen| seen.name == expected.name);
        let gone = self.counts.iter().filter(|expected| !is_seen(expected));
        gone.map(|expected| format!("{}, {} B: in the table, not counted", expected.name, expected.size)).collect()
    }
}

impl Count {
    fn against(&self, expected: &Self) -> String {
        let Self { name, size, instructions, locked } = self;
        let percent = (instructions / expected.instructions - 1.0) * 100.0;
        format!(
            "{name}, {size} B: expected {:.1} of which {:.1} locked, seen {instructions:.1} of which {locked:.1} ({percent:+.1} %)",
            expected.instructions, expected.locked,
        )
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PERFORMANCE.md")
}

/// The row of one operation, whose counts are of [`SIZES`]. As many are locked at each of them.
pub fn row(counts: &[Count]) -> String {
    let numbers = counts.iter().map(|count| count.instructions).chain([counts[0].locked]);
    let cells = numbers.map(|number| format!(" {number:.1} |"));
    format!("| {} |{}\n", counts[0].name, cells.collect::<String>())
}

fn parse_row(line: &str) -> Result<Vec<Count>, String> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, cells @ ..] = &cells[..] else { return Err(format!("expected a row, it is {line:?}")) };
    let numbers = cells.iter().map(|cell| cell.parse::<f64>()).collect::<Result<Vec<_>, _>>();
    let numbers = numbers.map_err(|_| format!("expected numbers, the row is {line:?}"))?;
    let [instructions @ .., locked] = &numbers[..] else {
        return Err(format!("expected numbers, the row is {line:?}"));
    };
    if instructions.len() != SIZES.len() {
        return Err(format!("expected {} numbers and those locked, the row is {line:?}", SIZES.len()));
    }
    let count = |(&instructions, size)| Count { name: (*name).into(), size, instructions, locked: *locked };
    Ok(instructions.iter().zip(SIZES).map(count).collect())
}
