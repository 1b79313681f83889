//! Header names in their usual spelling, told apart by a few instructions: the name and its colon stand in the first
//! sixteen bytes of nearly every header line, which is one number.

use super::HeaderId;
use super::scan::first_colon;

/// The name at the beginning of a line, and its length, if it is a known one of at most 15 bytes, spelled as
/// [`HeaderId::name`] does, with the colon right behind.
#[inline]
pub(super) fn usual_name(line: &[u8]) -> Option<(HeaderId, usize)> {
    let word = u128::from_le_bytes(*line.first_chunk()?);
    let length = first_colon(word)?;
    let name = word & LOW_BYTES.get(length)?;
    match SLOTS.get(slot_of(name)) {
        // The length too: zeros may be bytes of the line.
        Some(usual) if usual.number == name && usual.length == length && length > 0 => Some((usual.id, length)),
        _ => None,
    }
}

/// Where a name stands, if it stands anywhere. The factor was searched for so that no two names share a place;
/// [`SLOTS`] does not compile if they do.
#[inline]
const fn slot_of(name: u128) -> usize {
    (((name as u64) ^ (name >> 64) as u64).wrapping_mul(0x455E_F033_74E2_526B) >> 57) as usize
}

/// Masks for so many of the lowest bytes.
static LOW_BYTES: [u128; 16] = {
    let mut masks = [0; 16];
    let mut length = 1;
    while length < 16 {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        {
            masks[length] = masks[length - 1] << 8 | 0xFF;
        }
        length += 1;
    }
    masks
};

#[derive(Clone, Copy)]
struct Usual {
    /// The bytes of the name, the first lowest.
    number: u128,
    /// 0 where no name stands.
    length: usize,
    id: HeaderId,
}

static SLOTS: [Usual; 128] = {
    let mut slots = [Usual { number: 0, length: 0, id: HeaderId::Other }; 128];
    let mut i = 0;
    while i < HeaderId::ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        let id = HeaderId::ALL[i];
        i += 1;
        let name = id.name().as_bytes();
        if name.len() > 15 {
            continue;
        }
        let mut number = 0;
        let mut at = name.len();
        while at > 0 {
            at -= 1;
            #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
            let letter = name[at] as u128;
            number = number << 8 | letter;
        }
        let slot = slot_of(number);
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        let place = &mut slots[slot];
        assert!(place.length == 0, "two names in one place: choose another factor");
        *place = Usual { number, length: name.len(), id };
    }
    slots
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_name_is_found_in_its_usual_spelling_and_no_other() {
        for &id in HeaderId::ALL {
            let name = id.name();
            let expected = (name.len() <= 15).then_some((id, name.len()));
            assert_eq!(usual_name(format!("{name}: and more of it").as_bytes()), expected, "{name}");
            for other in [format!("{name}x:"), format!("{name} :"), format!("X{name}:"), name.to_lowercase() + ":"] {
                assert_eq!(usual_name(format!("{other} and more of it").as_bytes()), None, "{other}");
            }
            assert_eq!(usual_name(&name.as_bytes()[..2]), None, "too short");
        }
        for other in [": abcdefghijklmnop", "\0: abcdefghijklmnop", "Via\0: abcdefghijklmnop", "no colon in this line"]
        {
            assert_eq!(usual_name(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(usual_name(&[0xFF; 16]), None);
    }
}
