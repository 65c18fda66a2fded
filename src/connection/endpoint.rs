//! Names: where a listener's socket lies.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstat, mkdir, open};
use rustix::io::Errno;
use rustix::process::geteuid;

/// What a listener is found by: a name of this user's, or a path.
///
/// A *name* (no `/` in it) becomes a socket in this user's runtime directory (`$XDG_RUNTIME_DIR/twinring/`), or, where there
/// is none, in `twinring-UID` under the temporary directory. That directory is made with mode 0700, and refused if it is
/// a link, another user's, or open to others. A *path* (with a `/`) is used as it is.
///
/// ```
/// use twinring::Endpoint;
///
/// let by_name = Endpoint::from("prices");
/// let by_path = Endpoint::from("/run/exchange/prices.sock");
/// assert_eq!(by_path.to_string(), "/run/exchange/prices.sock");
/// # let _ = by_name;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Name(String),
    Path(PathBuf),
}

/// The longest path that a socket address holds, in bytes, the closing zero left out.
pub(crate) const LONGEST_PATH: usize = 107;

impl Endpoint {
    /// The endpoint called `name` of the process `pid`: many processes can have one of the same name.
    #[must_use]
    pub fn of_pid(name: &str, pid: u32) -> Self {
        Self::from(format!("{name}.{pid}"))
    }

    /// The endpoint of the directory in which the running program lies: programs of this user's that lie in one directory
    /// find each other by it with no configuration, whichever starts first. One of them listens.
    ///
    /// It is a name, made from the device and inode of the directory: however the directory is called or reached, and if it is
    /// moved, its programs mean the same endpoint. A program that was started through a link lies where the link points to.
    ///
    /// ```
    /// use std::time::Duration;
    /// use twinring::{Endpoint, Listener, connect};
    ///
    /// let mut listener = Listener::bind(Endpoint::beside_exe()?)?; // one program
    /// # let client = std::thread::spawn(|| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
    /// let connection = connect(Endpoint::beside_exe()?, Duration::from_secs(5))?; // the other one
    /// # Ok(connection) });
    /// # listener.accept()?;
    /// # client.join().unwrap().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the directory cannot be found out, because `/proc` is not there or the directory has been removed.
    pub fn beside_exe() -> io::Result<Self> {
        let program = env::current_exe()?;
        let directory = program.parent().unwrap_or(Path::new("/"));
        let found = fs::metadata(directory).map_err(|error| {
            let text = format!("could not look at {}, in which this program lies: {error}", directory.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self::from(format!("beside-{:x}-{:x}", found.dev(), found.ino())))
    }

    /// The path of the socket. Makes the directory that names live in.
    ///
    /// # Errors
    ///
    /// If the name or the path cannot be used, or the directory cannot be trusted.
    pub(crate) fn socket_path(&self) -> io::Result<PathBuf> {
        let path = match &self.0 {
            Kind::Name(name) => {
                check_name(name)?;
                directory()?.join(format!("{name}.sock"))
            }
            Kind::Path(path) => path.clone(),
        };
        let length = path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH || path.as_os_str().as_bytes().contains(&0) {
            let text = format!("the socket path {} has {length} bytes, allowed are {LONGEST_PATH}", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Path(path) => path.display().fmt(f),
        }
    }
}

impl From<&str> for Endpoint {
    fn from(text: &str) -> Self {
        Self(if text.contains('/') { Kind::Path(text.into()) } else { Kind::Name(text.into()) })
    }
}

impl From<String> for Endpoint {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Path> for Endpoint {
    fn from(path: &Path) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl From<PathBuf> for Endpoint {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Path(path))
    }
}

impl From<&Self> for Endpoint {
    fn from(endpoint: &Self) -> Self {
        endpoint.clone()
    }
}

fn check_name(name: &str) -> io::Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@' | ':');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
        let text =
            format!("the endpoint name {name:?} must be letters, digits and any of - _ . + @ :, not begin with a dot");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// The directory of this user's endpoints, made if need be.
pub(crate) fn directory() -> io::Result<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
    let directory = match runtime {
        Some(runtime) => runtime.join("twinring"),
        None => env::temp_dir().join(format!("twinring-{}", geteuid().as_raw())),
    };
    match mkdir(&directory, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(annotate(errno, "make", &directory)),
    }
    check_directory(&directory)?;
    Ok(directory)
}

/// Whether only this user can put anything there: opened without following a link, and then looked at.
fn check_directory(directory: &Path) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
    let opened = open(directory, flags, Mode::empty()).map_err(|errno| annotate(errno, "open", directory))?;
    let found = fstat(opened)?;
    let (owner, mode) = (geteuid().as_raw(), found.st_mode & 0o777);
    if found.st_uid != owner || mode & 0o077 != 0 {
        let text = format!(
            "the directory {} belongs to user {} with mode {mode:o}, expected user {owner} with mode 700",
            directory.display(),
            found.st_uid,
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(())
}

fn annotate(errno: Errno, verb: &str, directory: &Path) -> io::Error {
    let error = io::Error::from(errno);
    io::Error::new(error.kind(), format!("could not {verb} the directory {}: {error}", directory.display()))
}
