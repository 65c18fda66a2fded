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
