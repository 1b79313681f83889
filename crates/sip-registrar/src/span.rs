//! Where a part of a text stands in it.

/// The place of `part` in `whole`, of which it is a slice; `None` if it is not one.
pub(crate) fn place_of(whole: &[u8], part: &[u8]) -> Option<usize> {
    let at = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    // No two allocations overlap, so what lies within `whole` is a part of it.
    (at.checked_add(part.len())? <= whole.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slices_of_the_text_have_a_place_in_it() {
        let text = b"abcabc".to_vec();
        assert_eq!(place_of(&text, &text[3..5]), Some(3));
        assert_eq!(place_of(&text, &text[6..]), Some(6));
        assert_eq!(place_of(&text[..4], &text[3..5]), None);
        assert_eq!(place_of(&text[1..], &text[..2]), None);
        assert_eq!(place_of(&text, &text.clone()), None);
    }
}
