//! System calls by number: what an attacker asks of the kernel, and what it answers.

use nix::libc;

/// Asks; the result, or the error's number.
pub fn ask(number: i64, arguments: &[usize]) -> Result<usize, i32> {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: the kernel checks what it is asked. Where it writes, and what it unmaps, belongs to the asking test alone.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    usize::try_from(result).map_err(|_| std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// The error's number, or 0 where it was done.
pub fn answer(number: i64, arguments: &[usize]) -> i32 {
    ask(number, arguments).err().unwrap_or(0)
}
