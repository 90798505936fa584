//! The few statistics that the numbers need.

/// Below this many observations a number is shown as a hint only.
pub(super) const FEW: usize = 20;

/// A share with its 95 % interval by Wilson (1927), which holds for small samples too.
pub(super) fn share(hits: u64, of: u64) -> Option<(f64, f64, f64)> {
    if of == 0 {
        return None;
    }
    let (n, z) = (real(of), 1.959_964);
    let p = real(hits) / n;
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
    Some((p, (middle - half).max(0.0), (middle + half).min(1.0)))
}

/// The 95 % interval of a count of events that come by themselves (Poisson), by Byar's approximation.
pub(super) fn count_interval(count: u64) -> (f64, f64) {
    let bound = |n: f64, z: f64| {
        if n == 0.0 { 0.0 } else { n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3) }
    };
    (bound(real(count), -1.959_964).max(0.0), bound(real(count) + 1.0, 1.959_964))
}

/// The median of values with its 95 % interval by order statistics; the interval is absent below six values.
pub(super) fn median(values: &mut [i64]) -> Option<(i64, Option<(i64, i64)>)> {
    values.sort_unstable();
    let n = values.len();
    let middle = *values.get(n.checked_sub(1)? / 2)?;
    if n < 6 {
        return Some((middle, None));
    }
    let half = 1.959_964 * real(u64::try_from(n).unwrap_or(u64::MAX)).sqrt() / 2.0;
    let centre = real(u64::try_from(n).unwrap_or(u64::MAX)) / 2.0;
    let low = index(centre - half, n);
    let high = index(centre + half, n);
    Some((middle, Some((*values.get(low)?, *values.get(high)?))))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is bounded on both sides"
)]
fn index(at: f64, length: usize) -> usize {
    (at.round().max(0.0) as usize).min(length.saturating_sub(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_intervals_that_never_leave_the_scale() {
        let (p, low, high) = share(0, 10).expect("a share");
        assert!(p == 0.0 && low == 0.0 && (0.27..0.29).contains(&high), "{low} {high}");
        let (_, low, high) = share(5, 10).expect("a share");
        assert!((0.23..0.24).contains(&low) && (0.76..0.77).contains(&high), "{low} {high}");
        assert!(share(0, 0).is_none());
    }

    #[test]
    fn counts_are_as_sure_as_there_are_many() {
        // Against the exact intervals of Garwood (1936).
        for (count, low, high) in
            [(0, 0.0, 3.69), (1, 0.03, 5.57), (10, 4.80, 18.39), (100, 81.4, 121.6)]
        {
            let (found_low, found_high) = count_interval(count);
            assert!(
                (found_low - low).abs() < 0.1 && (found_high - high).abs() < 0.2,
                "{count}: {found_low} {found_high}"
            );
        }
    }

    #[test]
    fn medians_say_how_sure_they_are() {
        assert_eq!(median(&mut [3, 1, 2]), Some((2, None)));
        assert_eq!(median(&mut []), None);
        let mut values: Vec<i64> = (1..=101).collect();
        assert_eq!(median(&mut values), Some((51, Some((42, 61)))));
    }
}
