//! A hash table whose places can be fetched before they are read.
//!
//! A table of a million records is in no cache: whoever looks for one waits for memory once to learn where it is, and
//! again to read it. Where a key is looked for first depends here on its hash alone, so that the places of many keys
//! can be asked for at once, and are there when it is their turn.

use prefetch_index::prefetch_index;

/// Values in one line.
const PLACES: usize = 7;
/// Values of a line, on average, in a table that is full.
const FULL: usize = 6;
/// A line that so many values have passed does not count them any more: it may have been more.
const UNCOUNTED: u8 = u8::MAX;

/// Of fewer values the caches hold so many that to ask for them costs as much as it saves.
pub(crate) const FEW: usize = if cfg!(test) { 2 } else { 1000 };

/// What points to memory that can be asked for before it is read.
pub(crate) trait Fetch {
    /// Asks for what it is found by.
    fn fetch_key(&self);
    /// Asks for all that most need of it.
    fn fetch(&self);
}

/// Values that are found by a hash and by what the caller knows of them.
///
/// A value is in the line that its hash names or, where that was full, in one of those that follow. Each line counts the
/// values that have passed it, so a search ends at the first that none has passed, and what is removed leaves nothing
/// behind. Of a hash the lowest bits name the line, and the upper seven tell the values in it apart.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    /// None, or a power of two.
    lines: Box<[Line<T>]>,
    len: usize,
}

/// What the processor fetches at once, where values are as small as a pointer.
#[derive(Debug)]
#[repr(align(64))]
struct Line<T> {
    /// Of each value the upper bits of its hash, and [`TAKEN`]; 0 where there is none.
    tags: [u8; PLACES],
    /// How many values belong in this line or one before, and are in one behind.
    passed: u8,
    values: [Option<T>; PLACES],
}

/// What every tag has.
const TAKEN: u8 = 0x80;

/// Where a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    home: usize,
    line: usize,
    place: usize,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self { lines: Box::new([]), len: 0 }
    }
}

impl<T: Fetch> Lines<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The memory that it takes, without what its values take elsewhere.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&*self.lines)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.lines.iter().flat_map(|line| line.values.iter().flatten())
    }

    /// All values that may have this hash.
    pub(crate) fn with_hash(&self, hash: u64) -> impl Iterator<Item = &T> {
        self.spots(hash).filter_map(|spot| self.get(spot))
    }

    /// Where the value is with this hash of which `is_meant` says yes.
    pub(crate) fn find(&self, hash: u64, mut is_meant: impl FnMut(&T) -> bool) -> Option<Spot> {
        self.spots(hash).find(|spot| self.get(*spot).is_some_and(&mut is_meant))
    }

    pub(crate) fn get(&self, spot: Spot) -> Option<&T> {
        self.lines.get(spot.line)?.values.get(spot.place)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, spot: Spot) -> Option<&mut T> {
        self.lines.get_mut(spot.line)?.values.get_mut(spot.place)?.as_mut()
    }

    /// Takes a value away.
    pub(crate) fn remove(&mut self, spot: Spot) -> Option<T> {
        let removed = self.lines.get_mut(spot.line)?.take(spot.place)?;
        self.len -= 1;
        let mut passed = spot.home;
        while passed != spot.line {
            let next = self.next(passed);
            if let Some(line) = self.lines.get_mut(passed).filter(|line| line.passed != UNCOUNTED) {
                line.passed -= 1;
            }
            passed = next;
        }
        Some(removed)
    }

    /// Puts in a value that is not there yet. `hash_of` is asked when the table has to grow.
    pub(crate) fn insert(&mut self, hash: u64, value: T, hash_of: impl Fn(&T) -> u64) {
        self.reserve(1, hash_of);
        self.place(hash, value);
    }

    /// Makes room for so many values more.
    pub(crate) fn reserve(&mut self, more: usize, hash_of: impl Fn(&T) -> u64) {
        let needed = self.len + more;
        if needed <= self.lines.len() * FULL {
            return;
        }
        let lines = needed.div_ceil(FULL).next_power_of_two();
        let before = std::mem::replace(&mut self.lines, (0..lines).map(|_| Line::EMPTY).collect());
        self.len = 0;
        let mut lines = before.into_iter().peekable();
        while let Some(line) = lines.next() {
            if let Some(next) = lines.peek() {
                next.values.iter().flatten().for_each(T::fetch_key);
            }
            for value in line.values.into_iter().flatten() {
                self.place(hash_of(&value), value);
            }
        }
    }

    /// Asks for the line where a value with this hash is looked for first.
    pub(crate) fn fetch_line(&self, hash: u64) {
        prefetch_index(&*self.lines, self.home(hash));
    }

    /// Asks for the values that may have this hash, once their line is there.
    pub(crate) fn fetch_values(&self, hash: u64) {
        self.with_hash(hash).for_each(T::fetch);
    }

    /// Puts a value into the first line that has room for it; there is one.
    fn place(&mut self, hash: u64, mut value: T) {
        let mut at = self.home(hash);
        for _ in 0..self.lines.len() {
            let next = self.next(at);
            let Some(line) = self.lines.get_mut(at) else { return };
            match line.put(tag(hash), value) {
                Ok(()) => {
                    self.len += 1;
                    return;
                }
                Err(passing) => value = passing,
            }
            at = next;
        }
    }

    /// Where values may be that have this hash.
    fn spots(&self, hash: u64) -> impl Iterator<Item = Spot> {
        let home = self.home(hash);
        let mut next = self.lines.get(home).map(|line| (home, line));
        let mut to_go = self.lines.len();
        let lines = std::iter::from_fn(move || {
            let (at, line) = next?;
            to_go -= 1;
            let behind = self.next(at);
            next = self.lines.get(behind).filter(|_| line.passed > 0 && to_go > 0).map(|line| (behind, line));
            Some((at, line))
        });
        lines.flat_map(move |(line, of)| of.places(tag(hash)).map(move |place| Spot { home, line, place }))
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & self.lines.len().wrapping_sub(1)
    }

    fn next(&self, line: usize) -> usize {
        (line + 1) & self.lines.len().wrapping_sub(1)
    }
}

fn tag(hash: u64) -> u8 {
    TAKEN | (hash >> 57) as u8
}

impl<T> Line<T> {
    const EMPTY: Self = Self { tags: [0; PLACES], passed: 0, values: [const { None }; PLACES] };

    /// Puts a value where there is none, or gives it back, and counts that it passes.
    fn put(&mut self, tag: u8, value: T) -> Result<(), T> {
        let mut places = self.tags.iter_mut().zip(&mut self.values);
        match places.find(|(tag, _)| **tag == 0) {
            Some((empty, at)) => {
                (*empty, *at) = (tag, Some(value));
                Ok(())
            }
            None => {
                self.passed = self.passed.saturating_add(1);
                Err(value)
            }
        }
    }

    fn take(&mut self, place: usize) -> Option<T> {
        let value = self.values.get_mut(place)?.take();
        if let Some(tag) = self.tags.get_mut(place) {
            *tag = 0;
        }
        value
    }

    /// The places with this tag, and perhaps one that only looks like it.
    fn places(&self, tag: u8) -> impl Iterator<Item = usize> + use<T> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let [a, b, c, d, e, f, g] = self.tags;
        // A byte is 0 where the tag is the one looked for; the eighth never is.
        let differences = u64::from_le_bytes([a, b, c, d, e, f, g, 0]) ^ (u64::from(tag) * ONES);
        let mut zeros = differences.wrapping_sub(ONES) & !differences & (ONES << 7);
        std::iter::from_fn(move || {
            let place = (zeros != 0).then(|| zeros.trailing_zeros() as usize / 8);
            zeros &= zeros.wrapping_sub(1);
            place
        })
    }
}

#[cfg(test)]
mod tests;
