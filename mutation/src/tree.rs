//! A copy of the repository whose library has all mutants, each behind its switch.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::find::find;
use crate::mutant::Mutant;

/// What is not copied.
const LEFT_OUT: &[&str] = &[".git", "target", "mutation", "artifacts", "coverage"];

/// What the library is told beside its own first lines: nobody reads what the rewriting makes of it.
const LEAD_IN: &str = "#![allow(warnings, clippy::all, missing_docs)]\n";

/// The mutated library.
#[derive(Debug)]
pub struct Library {
    /// The mutant with number n is at place n - 1.
    pub mutants: Vec<Mutant>,
    files: Vec<(PathBuf, String)>,
}

impl Library {
    /// Reads the library of the repository at `root`.
    ///
    /// # Errors
    ///
    /// If a source cannot be read, or is not Rust.
    pub fn read(root: &Path) -> io::Result<Self> {
        let (mut mutants, mut files) = (Vec::new(), Vec::new());
        let source = root.join("src");
        for path in below(&source)? {
            let name = path.strip_prefix(&source).map_err(io::Error::other)?.to_string_lossy().into_owned();
            let found = find(&name, &fs::read_to_string(&path)?, mutants.len() + 1)
                .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            mutants.extend(found.mutants);
            files.push((Path::new("src").join(&name), found.text));
        }
        for (path, text) in &mut files {
            if path.ends_with("src/lib.rs") {
                *text = format!("{LEAD_IN}{text}\npub(crate) mod switch;\n");
            }
        }
        files.push((PathBuf::from("src/switch.rs"), include_str!("../switch.rs").to_owned()));
        Ok(Self { mutants, files })
    }

    /// The same for the same library.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.files.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Copies the repository at `root` to `tree`, with the mutated library. What has not changed is not touched, so that
    /// little is built anew.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written.
    pub fn plant(&self, root: &Path, tree: &Path) -> io::Result<()> {
        for path in below(root)? {
            let name = path.strip_prefix(root).map_err(io::Error::other)?;
            if name == Path::new("Cargo.toml") {
                write_if_new(&tree.join(name), of_another_version(&fs::read_to_string(&path)?).as_bytes())?;
            } else if !name.starts_with("src") {
                write_if_new(&tree.join(name), &fs::read(&path)?)?;
                fs::set_permissions(tree.join(name), fs::metadata(&path)?.permissions())?;
            }
        }
        self.files.iter().try_for_each(|(name, text)| write_if_new(&tree.join(name), text.as_bytes()))
    }
}

/// A manifest with a version that the repository never has. Cargo tells packages in one target directory apart by that, and not
/// by where they are: the mutated library must never be taken for the library.
fn of_another_version(manifest: &str) -> String {
    let lines =
        manifest.lines().map(|line| match line.strip_prefix("version = \"").and_then(|rest| rest.rsplit_once('.')) {
            Some((start, _)) => format!("version = \"{start}.999\"\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

fn write_if_new(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, content)
}

/// The files below a directory, in order.
fn below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() { files.extend(below(&entry.path())?) } else { files.push(entry.path()) }
    }
    Ok(files)
}
