//! What became of each mutant, kept so that a run can be gone on with.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This test fails, or does not end.
    Killed(String),
    /// So many tests were tried, and pass, of those that come by it.
    Survived {
        /// How many were tried.
        tried: usize,
        /// How many there are.
        of: usize,
    },
}

/// The verdicts on the mutants of one library.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    verdicts: Mutex<HashMap<String, Verdict>>,
}

impl Ledger {
    /// What is known of the library with this fingerprint.
    pub fn open(directory: &Path, fingerprint: &str) -> Self {
        let path = directory.join(format!("verdicts-{fingerprint}"));
        let verdicts = fs::read_to_string(&path).unwrap_or_default().lines().filter_map(parse).collect();
        Self { path, verdicts: Mutex::new(verdicts) }
    }

    /// What became of it, if it was tried.
    pub fn verdict(&self, mutant: &str) -> Option<Verdict> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).get(mutant).cloned()
    }

    /// Notes what became of it.
    ///
    /// # Errors
    ///
    /// If that cannot be written.
    pub fn note(&self, mutant: &str, verdict: Verdict) -> io::Result<()> {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        match &verdict {
            Verdict::Killed(test) => writeln!(file, "{mutant}\tkilled\t{test}")?,
            Verdict::Survived { tried, of } => writeln!(file, "{mutant}\tsurvived\t{tried} {of}")?,
        }
        verdicts.insert(mutant.to_owned(), verdict);
        Ok(())
    }
}

fn parse(line: &str) -> Option<(String, Verdict)> {
    let mut fields = line.split('\t');
    let (mutant, verdict, detail) = (fields.next()?, fields.next()?, fields.next()?);
    let verdict = match verdict {
        "killed" => Verdict::Killed(detail.to_owned()),
        _ => {
            let (tried, of) = detail.split_once(' ')?;
            Verdict::Survived { tried: tried.parse().ok()?, of: of.parse().ok()? }
        }
    };
    Some((mutant.to_owned(), verdict))
}
