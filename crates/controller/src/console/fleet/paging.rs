//! Long lists, in pages of so many.

/// One page of a list.
pub(super) struct Paging<'a, T> {
    /// What stands on it.
    pub(super) items: &'a [T],
    /// The pages beside it, counted from 1.
    pub(super) earlier: Option<usize>,
    pub(super) later: Option<usize>,
}

impl<'a, T> Paging<'a, T> {
    /// The page with this number, counted from 1; the last one where there are not so many: a list gets shorter.
    pub(super) fn new(all: &'a [T], page: Option<usize>, rows: usize) -> Self {
        let pages = all.len().div_ceil(rows).max(1);
        let page = page.unwrap_or(1).clamp(1, pages);
        let items = all.chunks(rows).nth(page - 1).unwrap_or_default();
        Self { items, earlier: (page > 1).then(|| page - 1), later: (page < pages).then_some(page + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::Paging;

    #[test]
    fn all_of_a_list_is_on_some_page_once() {
        let all: Vec<_> = (0..25).collect();
        let (mut page, mut found) = (Some(1), Vec::new());
        while let Some(number) = page {
            let paging = Paging::new(&all, page, 10);
            found.extend_from_slice(paging.items);
            assert_eq!(paging.earlier, (number > 1).then(|| number - 1));
            page = paging.later;
        }
        assert_eq!(found, all);
        for (page, first) in [(None, 0), (Some(0), 0), (Some(3), 20), (Some(usize::MAX), 20)] {
            assert_eq!(Paging::new(&all, page, 10).items.first(), Some(&first), "{page:?}");
        }
        assert!(Paging::<u8>::new(&[], None, 10).items.is_empty());
    }
}
