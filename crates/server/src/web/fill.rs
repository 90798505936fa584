//! A page of a list, full of what may be seen: where much may not, the store is read on.

use sluice_engine::store::Page;

use crate::paging::{MOST, Seek};
use crate::problem::Problem;

/// How often the store is asked for one page. Then the page stays short, and the next one goes on from there.
const ROUNDS: usize = 5;

/// Rows that may be seen, newest first, and the key after which the next page begins, where there may be one.
pub(crate) fn fill<T>(
    seek: &Seek,
    mut read: impl FnMut(Page) -> Result<Vec<T>, Problem>,
    key: impl Fn(&T) -> u64,
    sees: impl Fn(&T) -> bool,
) -> Result<(Vec<T>, Option<u64>), Problem> {
    let wanted = usize::try_from(seek.limit).unwrap_or(usize::MAX);
    let mut page = seek.page()?;
    let mut shown: Vec<T> = Vec::new();
    for _ in 0..ROUNDS {
        let rows = read(page)?;
        let asked = usize::try_from(page.limit.min(MOST)).unwrap_or(usize::MAX);
        let is_last = rows.len() < asked;
        for row in rows {
            page.before = Some(key(&row));
            if !sees(&row) {
                continue;
            }
            if shown.len() == wanted {
                let last = shown.last().map(&key);
                return Ok((shown, last));
            }
            shown.push(row);
        }
        if is_last {
            return Ok((shown, None));
        }
        page.limit = MOST;
    }
    Ok((shown, page.before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_full_of_what_may_be_seen_and_leads_on() {
        let stored = |page: Page| {
            let before = page.before.unwrap_or(2_001);
            Ok((1..before).rev().take(page.limit as usize).collect::<Vec<u64>>())
        };
        for (one_of, first, shown, next) in [
            (1, None, 50, Some(1_951)),
            (10, None, 50, Some(1_510)),
            (2_000, None, 1, Some(1_150)),
            (2_000, Some("n1149"), 0, Some(298)),
            (1, Some("n51"), 50, None),
            (3_000, Some("n51"), 0, None),
        ] {
            let seek = Seek::read(None, first).expect("our own cursor");
            let filled = fill(&seek, stored, |row| *row, |row| row % one_of == 0);
            let (rows, following) = filled.expect("the store answers");
            assert_eq!((rows.len(), following), (shown, next), "one of {one_of} from {first:?}");
        }
    }
}
