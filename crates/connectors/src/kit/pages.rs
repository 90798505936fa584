//! Pages of what others list: fewer things at a time where an answer is larger than it may be, so that whatever they
//! have written into them does not stop a reading for ever.

use crate::tell::Exchange;

/// Whether an answer was larger than it may be.
pub(crate) fn is_too_large(exchange: &Exchange) -> bool {
    exchange.answer.as_ref().is_err_and(|lost| lost.is_too_large)
}

/// How many things are asked for after so many were too large; nothing after a single one. Each number divides the one
/// before it, so that a page begins where a larger one did.
pub(crate) fn smaller(rows: u32) -> Option<u32> {
    match rows {
        0 | 1 => None,
        2..=5 => Some(1),
        6..=20 => Some(5),
        21..=100 => Some(20),
        _ => Some(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_smaller_until_there_is_one_thing_on_them() {
        let sizes: Vec<u32> = std::iter::successors(Some(500), |rows| smaller(*rows)).collect();
        assert_eq!(sizes, [500, 100, 20, 5, 1]);
        assert!(sizes.windows(2).all(|pair| pair[0] % pair[1] == 0));
    }
}
