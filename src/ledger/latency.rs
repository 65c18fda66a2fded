//! Buckets of latencies: eight to each doubling, so a value is known to an eighth.

/// How many buckets there are: the last holds everything from about 69 seconds on.
pub const BUCKETS: usize = 34 * 8;

/// The bucket of a latency, in nanoseconds.
#[must_use]
pub fn bucket(nanos: u64) -> usize {
    let doublings = nanos.max(8).ilog2() - 3;
    let within = (nanos >> doublings) as usize & 7;
    let bucket = if nanos < 8 { nanos as usize } else { (doublings as usize + 1) * 8 + within };
    bucket.min(BUCKETS - 1)
}

/// The smallest latency of a bucket.
#[must_use]
pub fn least(bucket: usize) -> u64 {
    let (doublings, within) = (bucket / 8, bucket as u64 % 8);
    if doublings == 0 { within } else { (8 + within) << (doublings - 1).min(60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_lies_in_its_bucket() {
        for bucket_number in 0..BUCKETS {
            assert_eq!(bucket(least(bucket_number)), bucket_number);
            assert!(bucket_number == 0 || bucket(least(bucket_number) - 1) == bucket_number - 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert!(least(BUCKETS - 1) > 60_000_000_000, "{}", least(BUCKETS - 1));
    }
}
