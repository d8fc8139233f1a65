//! Durations in buckets that grow by a tenth: sums of nodes and hours add up, and a percentile is a tenth too long at the most.

/// How many buckets there are.
const BUCKETS: usize = 128;

/// The longest duration of each bucket, in milliseconds.
const BOUNDS_MS: [u64; BUCKETS] = bounds();

/// What takes longer is counted as this long, in milliseconds.
pub const LONGEST_MS: u64 = longest();

const fn bounds() -> [u64; BUCKETS] {
    let mut bounds = [1; BUCKETS];
    let mut nth = 1;
    let mut bound: u64 = 1;
    while nth < BUCKETS {
        bound = if bound < 10 { bound + 1 } else { bound * 11 / 10 };
        #[expect(
            clippy::indexing_slicing,
            reason = "a const fn has no iterators, and nth is below the length"
        )]
        {
            bounds[nth] = bound;
        }
        nth += 1;
    }
    bounds
}

const fn longest() -> u64 {
    match BOUNDS_MS.last() {
        Some(longest) => *longest,
        None => 0,
    }
}

/// The number of the bucket of a duration.
pub(crate) fn bucket(ms: u64) -> i64 {
    let nth = BOUNDS_MS.partition_point(|bound| *bound < ms).min(BUCKETS - 1);
    i64::try_from(nth).unwrap_or(0)
}

/// The duration that so many of a thousand do not exceed, in milliseconds. `counts` are buckets in order, and how many each has.
pub(crate) fn percentile(counts: &[(i64, i64)], of_thousand: i64) -> Option<u64> {
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    if all <= 0 {
        return None;
    }
    let rank = (all.saturating_mul(of_thousand).saturating_add(999) / 1_000).max(1);
    let mut seen = 0;
    let reached = counts.iter().find(|(_, count)| {
        seen += count;
        seen >= rank
    });
    let nth = reached.and_then(|(bucket, _)| usize::try_from(*bucket).ok())?;
    BOUNDS_MS.get(nth).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_tenth_wide() {
        for pair in BOUNDS_MS.windows(2) {
            assert!(pair[1] > pair[0] && (pair[0] < 10 || pair[1] * 10 <= pair[0] * 11), "{pair:?}");
        }
        const { assert!(LONGEST_MS > 120_000) };
        assert_eq!((bucket(0), bucket(1), bucket(2)), (0, 0, 1));
        assert_eq!(bucket(u64::MAX), 127);
    }

    #[test]
    fn a_percentile_is_the_bound_of_its_bucket() {
        let counts: Vec<(i64, i64)> = (1..=100).map(|ms| (bucket(ms), 1)).collect();
        assert_eq!(percentile(&[], 500), None);
        assert_eq!(percentile(&[(bucket(7), 1)], 990), Some(7));
        let within = |found: Option<u64>, right: u64| {
            found.is_some_and(|found| found >= right && found * 10 <= right * 11)
        };
        assert!(within(percentile(&counts, 500), 50) && within(percentile(&counts, 990), 99), "{counts:?}");
    }
}
