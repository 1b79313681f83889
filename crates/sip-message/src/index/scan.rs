//! The byte loops over a message: many bytes at a time, in code that compilers turn into vector instructions.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;
const SPACES: u64 = ONES * b' ' as u64;

/// The position, from `at` on, of the first control character (below 0x20, or 0x7F); the length if there is none.
pub(crate) fn next_control(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        if chunk.iter().fold(false, |found, byte| found | byte.is_ascii_control()) {
            let word = u128::from_le_bytes(*chunk);
            let found = match first_control(word as u64) {
                Some(place) => place,
                None => first_control((word >> 64) as u64).map_or(16, |place| 8 + place),
            };
            return at + found;
        }
        at += 16;
    }
    if let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        if let Some(place) = first_control(u64::from_le_bytes(*chunk)) {
            return at + place;
        }
        at += 8;
    }
    match (bytes.len().saturating_sub(at), bytes.last_chunk::<8>()) {
        (0, _) => at,
        // The last eight bytes, moved down so that those which are left stand first, with spaces behind them.
        (left @ 1..8, Some(last)) => {
            let word = u64::from_le_bytes(*last) >> (64 - 8 * left) | SPACES << (8 * left);
            first_control(word).map_or(bytes.len(), |place| at + place)
        }
        _ => {
            let tail = bytes.get(at..).unwrap_or_default();
            at + tail.iter().position(u8::is_ascii_control).unwrap_or(tail.len())
        }
    }
}

/// Which of eight bytes, the lowest first, is the first control character.
#[inline]
fn first_control(word: u64) -> Option<usize> {
    let low = word & !HIGHS;
    // Each byte's high bit: 0x20 or more; 0x7F. No sum of seven bits carries into the next byte.
    let (printing, delete) = (low.wrapping_add(ONES * 0x60), low.wrapping_add(ONES));
    first_marked((!printing | delete) & !word & HIGHS)
}

/// Which of sixteen bytes, the lowest first, is the first colon.
#[inline]
pub(super) fn first_colon(word: u128) -> Option<usize> {
    let mark = |word: u64| {
        let colons = word ^ (ONES * b':' as u64);
        // Zero bytes; the lowest mark is exact, since a borrow marks only bytes above a zero.
        first_marked(colons.wrapping_sub(ONES) & !colons & HIGHS)
    };
    mark(word as u64).or_else(|| mark((word >> 64) as u64).map(|place| 8 + place))
}

#[inline]
fn first_marked(marks: u64) -> Option<usize> {
    (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_control_character_is_found_at_each_place_among_all_other_bytes() {
        let plain: Vec<u8> = (0..=255u8).filter(|b| !b.is_ascii_control()).collect();
        assert_eq!(next_control(&plain, 0), plain.len());
        for at in 0..60 {
            for control in (0..0x20).chain([0x7F]) {
                let mut bytes = plain[100..160].to_vec();
                bytes[at] = control;
                assert_eq!(next_control(&bytes, 0), at, "{control:#x}");
                assert_eq!(next_control(&bytes, at + 1), 60, "{control:#x}");
            }
        }
    }

    #[test]
    fn the_first_colon_is_found_among_any_bytes() {
        for filler in [b'a', b';', b'9', b' ', 0, 0xBA, 0xFF] {
            for at in 0..16 {
                let mut line = [filler; 16];
                line[at..].fill(b':');
                assert_eq!(first_colon(u128::from_le_bytes(line)), Some(at));
                line[at + 1..].fill(filler);
                assert_eq!(first_colon(u128::from_le_bytes(line)), Some(at));
            }
            assert_eq!(first_colon(u128::from_le_bytes([filler; 16])), None);
        }
    }
}
