//! What a mutant is.

/// One thing done wrong in one place of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// `file:function:operator:ordinal`, the same whatever is edited elsewhere.
    pub name: String,
    /// Where, for who looks at a survivor.
    pub line: usize,
    /// Its group in `scope.rs`.
    pub module: &'static str,
}

impl Mutant {
    /// Whether it is an ordering that is weaker, or a fence that is left out.
    #[must_use]
    pub fn is_ordering(&self) -> bool {
        self.name.contains("-to-") || self.name.contains("fence")
    }
}
