//! Pages of lists, by number.  Contract 5, "Envelope"

use super::envelope::Paging;

/// How many rows a page has where the caller names no number.
pub const PAGE_ROWS: u64 = 50;

/// How many rows a page has at the most.
pub const PAGE_ROWS_MAX: u64 = 100;

/// A page of rows, and where in the list it is.
pub(super) struct Slice<R> {
    pub rows: Vec<R>,
    pub paging: Paging,
}

/// The page that is asked for, in words.
#[derive(Debug, Default, Clone)]
pub(super) struct Asked<'a> {
    pub page: Option<&'a str>,
    pub page_size: Option<&'a str>,
}

/// Which rows to read.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Window {
    pub limit: i64,
    pub offset: i64,
}

/// The page that is answered: junk counts as not said, and a page beyond the last is the last.
pub(super) fn place(asked: &Asked<'_>, total_entries: u64) -> (Paging, Window) {
    let number =
        |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let page_size = number(asked.page_size).unwrap_or(PAGE_ROWS).min(PAGE_ROWS_MAX);
    let total_pages = total_entries.div_ceil(page_size).max(1);
    let page_number = number(asked.page).unwrap_or(1).min(total_pages);
    let rows = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let window = Window { limit: rows(page_size), offset: rows((page_number - 1).saturating_mul(page_size)) };
    (Paging { page_number, page_size, total_entries, total_pages }, window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_that_is_asked_for_is_one() {
        for (page, page_size, total, expected, offset) in [
            (None, None, 0, (1, 50, 1), 0),
            (None, None, 50, (1, 50, 1), 0),
            (None, None, 51, (1, 50, 2), 0),
            (Some("2"), None, 51, (2, 50, 2), 50),
            (Some("2"), Some("50"), 1000, (2, 50, 20), 50),
            (Some("3"), Some("10"), 25, (3, 10, 3), 20),
            (Some("4"), Some("10"), 25, (3, 10, 3), 20),
            (Some("99999999999999999999999"), Some("10"), 25, (1, 10, 3), 0),
            (Some("18446744073709551615"), Some("10"), 25, (3, 10, 3), 20),
            (Some("0"), Some("0"), 25, (1, 50, 1), 0),
            (Some("-1"), Some("-1"), 25, (1, 50, 1), 0),
            (Some("x"), Some("1e2"), 25, (1, 50, 1), 0),
            (Some(""), Some(""), 25, (1, 50, 1), 0),
            (Some("1"), Some("100"), 250, (1, 100, 3), 0),
            (Some("3"), Some("101"), 250, (3, 100, 3), 200),
            (Some("7"), None, 0, (1, 50, 1), 0),
        ] {
            let (paging, window) = place(&Asked { page, page_size }, total);
            let told = (paging.page_number, paging.page_size, paging.total_pages);
            assert_eq!((told, window.offset), (expected, offset), "{page:?} {page_size:?} of {total}");
            assert_eq!(paging.total_entries, total);
        }
    }
}
