//! Where a list of calls differs from the one that is expected, in which a call may stand for one or more.

/// An element of the expected list.
pub(crate) trait Element<T> {
    /// Whether it stands for one or more, one after another.
    fn is_repeated(&self) -> bool;

    fn matches(&self, found: &T) -> bool;
}

/// How far two lists go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// For each element that was found, as far as they go together, the index of the one that stands for it.
    pub(crate) matched: Vec<usize>,
    /// How many of the expected elements that is.
    pub(crate) expected: usize,
    /// Whether that is all of both.
    pub(crate) is_whole: bool,
}

/// Aligns two lists. There may be several ways to do so, of which all are followed at once: state `n` is that the first `n`
/// expected elements are there.
pub(crate) fn align<T, E: Element<T>>(expected: &[E], found: &[T]) -> Alignment {
    let mut steps = vec![vec![0]];
    for element in found {
        let states = steps.last().map(Vec::as_slice).unwrap_or_default();
        let mut next: Vec<usize> = states.iter().flat_map(|&state| successors(expected, state, element)).collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            break;
        }
        steps.push(next);
    }
    let last = steps.last().map(Vec::as_slice).unwrap_or_default();
    let furthest = last.last().copied().unwrap_or_default();
    let is_whole = steps.len() == found.len() + 1 && last.contains(&expected.len());
    Alignment { matched: path_to(furthest, &steps, expected, found), expected: furthest, is_whole }
}

/// The states that an element leads to from one state.
fn successors<T, E: Element<T>>(expected: &[E], state: usize, element: &T) -> Vec<usize> {
    let again = state.checked_sub(1).and_then(|last| expected.get(last)).filter(|last| last.is_repeated());
    let stays = again.is_some_and(|last| last.matches(element)).then_some(state);
    let moves = expected.get(state).is_some_and(|next| next.matches(element)).then_some(state + 1);
    stays.into_iter().chain(moves).collect()
}

/// The way by which a state was reached, from its end.
fn path_to<T, E: Element<T>>(state: usize, steps: &[Vec<usize>], expected: &[E], found: &[T]) -> Vec<usize> {
    let (mut state, mut path) = (state, Vec::new());
    for (before, element) in steps.iter().zip(found).take(steps.len().saturating_sub(1)).rev() {
        path.push(state.saturating_sub(1));
        let from = before.iter().copied().find(|&from| successors(expected, from, element).contains(&state));
        state = from.unwrap_or_default();
    }
    path.reverse();
    path
}

/// How many of the expected elements are found in this order, among others.
pub(crate) fn included<T, E: Element<T>>(expected: &[E], found: &[T]) -> usize {
    let mut found = found.iter();
    expected.iter().take_while(|element| found.any(|other| element.matches(other))).count()
}

#[cfg(test)]
mod tests {
    use super::{Element, align, included};

    impl Element<char> for &str {
        fn is_repeated(&self) -> bool {
            self.ends_with('+')
        }

        fn matches(&self, found: &char) -> bool {
            self.starts_with(*found)
        }
    }

    #[test]
    fn a_list_is_whole_or_goes_as_far_as_it_goes() {
        for (expected, found, matched, reached, is_whole) in [
            (vec![], "", vec![], 0, true),
            (vec!["a", "b"], "ab", vec![0, 1], 2, true),
            (vec!["a+", "b"], "aaab", vec![0, 0, 0, 1], 2, true),
            // Both ways are open until the last element.
            (vec!["a+", "a", "b"], "aaab", vec![0, 0, 1, 2], 3, true),
            (vec!["a+", "a"], "a", vec![0], 1, false),
            (vec!["a", "b"], "a", vec![0], 1, false),
            (vec!["a", "b"], "ac", vec![0], 1, false),
            (vec!["a"], "ab", vec![0], 1, false),
            (vec!["a+", "b", "c"], "aabb", vec![0, 0, 1], 2, false),
        ] {
            let alignment = align(&expected, &found.chars().collect::<Vec<_>>());
            assert_eq!(
                (alignment.matched, alignment.expected, alignment.is_whole),
                (matched, reached, is_whole),
                "{expected:?} {found}"
            );
        }
    }

    #[test]
    fn others_may_stand_between_what_is_included() {
        let found = ['a', 'x', 'b', 'a'];
        for (expected, count) in [(vec!["a", "b"], 2), (vec!["b", "a"], 2), (vec!["a", "b", "b"], 2), (vec!["c"], 0)] {
            assert_eq!(included(&expected, &found), count, "{expected:?}");
        }
    }
}
