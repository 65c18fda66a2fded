//! What the machine is: for the line that says where the numbers come from.

use std::fs;

/// The processor's name, as `/proc/cpuinfo` has it.
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = ["model name", "Processor", "cpu model"].iter().find_map(|&key| field(&info, key));
    named.unwrap_or_else(|| format!("an unnamed {} processor", std::env::consts::ARCH))
}

/// `Linux 6.18.44`.
pub fn kernel() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

/// The kilobytes of memory that could be had without swapping, if the kernel says so.
pub fn available_kib() -> Option<u64> {
    field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")?.trim_end_matches(" kB").trim().parse().ok()
}

/// The memory that a process holds in bytes, its part of what it shares counted in proportion; not its program's files, whose
/// part changes whenever another process that runs them comes or goes.
pub fn memory_of(process: u32) -> Option<u64> {
    let held = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let kib = |key| field(&held, key)?.trim_end_matches(" kB").trim().parse::<u64>().ok();
    Some((kib("Pss_Anon")? + kib("Pss_Shmem")?) * 1024)
}

/// The free pages of the pool of huge pages, if there is one.
pub fn free_huge_pages() -> Option<u64> {
    field(&fs::read_to_string("/proc/meminfo").ok()?, "HugePages_Free")?.parse().ok()
}

/// How often other processes have taken the core away from the calling thread.
pub fn preemptions() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    field(&status, "nonvoluntary_ctxt_switches").and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// What stands behind `key` and a colon.
fn field(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = "model\t\t: 207\nmodel name\t: Some   Processor\n";
        assert_eq!(field(info, "model name").as_deref(), Some("Some Processor"));
        assert_eq!(field(info, "name"), None);
    }
}
