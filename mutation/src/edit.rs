//! Edits of a source text that may enclose each other.

/// A text, and what is to be put into it.
#[derive(Debug, Default)]
pub struct Edits {
    all: Vec<Edit>,
}

#[derive(Debug)]
struct Edit {
    at: usize,
    /// What ends at a place comes before what begins there; of those, the inner one ends first and begins last.
    rank: (u8, isize),
    until: usize,
    text: String,
}

impl Edits {
    /// Puts `before` and `after` around what lies between. What is wrapped later at the same place is further inside.
    pub fn wrap(&mut self, range: std::ops::Range<usize>, before: String, after: String) {
        let sequence = self.all.len() as isize;
        self.all.push(Edit { at: range.start, rank: (1, sequence), until: range.start, text: before });
        self.all.push(Edit { at: range.end, rank: (0, -sequence), until: range.end, text: after });
    }

    /// Puts `text` in place of what lies there, which nothing else may edit.
    pub fn replace(&mut self, range: std::ops::Range<usize>, text: String) {
        self.all.push(Edit { at: range.start, rank: (2, 0), until: range.end, text });
    }

    /// The text with all edits.
    pub fn apply(mut self, source: &str) -> String {
        self.all.sort_by_key(|edit| (edit.at, edit.rank));
        let mut edited = String::with_capacity(source.len() * 2);
        let mut done = 0;
        for edit in &self.all {
            edited.push_str(&source[done..edit.at]);
            edited.push_str(&edit.text);
            done = edit.until;
        }
        edited.push_str(&source[done..]);
        edited
    }
}
