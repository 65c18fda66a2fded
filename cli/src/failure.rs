//! What went wrong, in one line.

use std::error::Error;
use std::fmt;

/// Why the command could not do what it was asked: one line, what was expected and what came, and an exit status.
#[derive(Debug)]
pub struct Failure {
    line: String,
    status: u8,
}

/// The exit status of most failures. (That of a wrong command line is 2.)
const FAILED: u8 = 1;

impl Failure {
    /// A failure that reads `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { line: message.into(), status: FAILED }
    }

    /// The failure, of one process among others.
    pub fn of(&self, pid: u32) -> String {
        format!("process {pid}: {self}")
    }

    /// The same failure, with an exit status of its own.
    pub fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// With which status the command ends.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// `context: cause: cause of the cause`.
    fn with(context: &str, cause: &dyn Error) -> Self {
        let mut line = context.to_owned();
        let mut next = Some(cause);
        while let Some(error) = next {
            let said = error.to_string();
            // Some errors repeat their source in their own text.
            if !line.ends_with(&said) {
                line = if line.is_empty() { said } else { format!("{line}: {said}") };
            }
            next = error.source();
        }
        Self::new(line)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Any error becomes its own line; `?` does it.
impl<E: Error> From<E> for Failure {
    #[cold]
    fn from(error: E) -> Self {
        Self::with("", &error)
    }
}

/// Says what was being done when an error came.
pub trait Context<T> {
    /// The failure `doing: error`.
    fn while_doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Error> Context<T> for Result<T, E> {
    fn while_doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::with(&doing(), &error))
    }
}
