//! Which datagrams can leave as one.
//!
//! The kernel takes several datagrams to one address in one piece and cuts it apart at the very end (UDP_SEGMENT, "GSO",
//! Linux 4.18): nearly all that sending costs is then paid once for all of them. The pieces have one length, and the
//! last may be shorter. Phones have an address each; but behind a proxy, a load balancer or an SBC all have the same.

use std::net::SocketAddr;

use smallvec::SmallVec;

use super::ANSWERS;

/// The longest datagram that is sent so: a piece must not be fragmented, and fits into the smallest MTU of IPv6 with all
/// headers (1280 bytes, RFC 8200 §5). Answers to REGISTER rarely have more than a few hundred.
const LONGEST: usize = 1200;

/// So many bytes and pieces leave as one at most: a datagram of IPv6 holds no more, and older kernels cut no more.
const WHOLE: usize = 65_000;
const PIECES: usize = 64;

/// Puts datagrams to one address side by side, in the order in which they were written: a final answer does not
/// overtake a provisional one.
pub(super) fn arrange(batch: &mut [(SocketAddr, &[u8])]) {
    let written = |bytes: &[u8]| bytes.as_ptr().addr();
    batch.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then_with(|| written(x).cmp(&written(y))));
}

/// Datagrams that can leave in one system call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segments {
    /// How many of them leave as one, and of the next, and so on.
    pub(super) runs: SmallVec<[usize; ANSWERS]>,
    /// How long the pieces are into which all are cut; `None`: there is nothing to cut.
    pub(super) piece: Option<u16>,
}

/// The first datagrams of a batch for which the kernel can be told of one length of pieces: what is not longer stays whole.
pub(super) fn first(batch: &[(SocketAddr, &[u8])]) -> Segments {
    let mut segments = Segments { runs: SmallVec::new(), piece: None };
    let (mut rest, mut longest) = (batch, 0);
    while let Some((_, bytes)) = rest.first() {
        let run = run(rest);
        let fits = match segments.piece.map(usize::from) {
            Some(piece) if run > 1 => bytes.len() == piece,
            Some(piece) => bytes.len() <= piece,
            None => run == 1 || longest <= bytes.len(),
        };
        if !fits {
            break;
        }
        if run > 1 {
            segments.piece = u16::try_from(bytes.len()).ok();
        }
        longest = longest.max(bytes.len());
        segments.runs.push(run);
        rest = rest.get(run..).unwrap_or_default();
    }
    segments
}

/// How many of the first can leave as one, or 1.
fn run(batch: &[(SocketAddr, &[u8])]) -> usize {
    let Some(((to, first), rest)) = batch.split_first() else { return 0 };
    if first.is_empty() || first.len() > LONGEST {
        return 1;
    }
    let most = PIECES.min(WHOLE / first.len()) - 1;
    let rest = rest.get(..most).unwrap_or(rest);
    let whole = rest.iter().take_while(|(other, bytes)| other == to && bytes.len() == first.len()).count();
    // A shorter one is the last.
    let last = rest.get(whole).filter(|(other, bytes)| other == to && (1..first.len()).contains(&bytes.len()));
    1 + whole + usize::from(last.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses by their port, and lengths.
    fn batch<'a>(datagrams: &[(u16, usize)], bytes: &'a [u8]) -> Vec<(SocketAddr, &'a [u8])> {
        let mut at = 0;
        let datagram = |&(port, length): &(u16, usize)| {
            at += length;
            (SocketAddr::from(([127, 0, 0, 1], port)), &bytes[at - length..at])
        };
        datagrams.iter().map(datagram).collect()
    }

    #[test]
    fn what_leaves_as_one_has_one_address_and_one_length_but_for_the_last() {
        let bytes = [0; 10_000];
        for (datagrams, together) in [
            (&[][..], 0),
            (&[(1, 10)], 1),
            (&[(1, 10), (1, 10), (1, 10)], 3),
            (&[(1, 10), (1, 10), (1, 4), (1, 4)], 3),
            (&[(1, 10), (1, 11)], 1),
            (&[(1, 10), (2, 10)], 1),
            (&[(1, 10), (1, 10), (2, 4)], 2),
            (&[(1, 10), (1, 0)], 1),
            (&[(1, 0), (1, 0)], 1),
            (&[(1, 1200), (1, 1200)], 2),
            (&[(1, 1201), (1, 1201)], 1),
        ] {
            assert_eq!(run(&batch(datagrams, &bytes)), together, "{datagrams:?}");
        }
        let bytes = [0; 100_000];
        assert_eq!(run(&batch(&[(1, 10); 100], &bytes)), PIECES);
        assert_eq!(run(&batch(&[(1, 1200); 80], &bytes)), WHOLE / 1200);
    }

    #[test]
    fn in_one_call_leaves_what_one_length_of_pieces_cuts_right() {
        let bytes = [0; 10_000];
        for (datagrams, runs, piece) in [
            (&[][..], &[][..], None),
            (&[(1, 10), (2, 20), (3, 2000)], &[1, 1, 1], None),
            (&[(1, 10), (1, 10)], &[2], Some(10)),
            // Those that are alone, and not longer.
            (&[(1, 10), (2, 5), (3, 10), (3, 10), (4, 10), (5, 0)], &[1, 1, 2, 1, 1], Some(10)),
            (&[(3, 10), (3, 10), (4, 11), (5, 10)], &[2], Some(10)),
            (&[(1, 11), (3, 10), (3, 10)], &[1], None),
            // Runs of the same pieces, but for their last.
            (&[(1, 10), (1, 10), (1, 4), (2, 10), (2, 9), (3, 9), (3, 9)], &[3, 2], Some(10)),
            (&[(1, 1300), (1, 1300), (2, 10), (2, 10)], &[1, 1], None),
        ] {
            let expected = Segments { runs: runs.iter().copied().collect(), piece };
            assert_eq!(first(&batch(datagrams, &bytes)), expected, "{datagrams:?}");
        }
    }

    #[test]
    fn datagrams_to_one_address_come_together_in_the_order_of_writing() {
        let bytes = [0; 10_000];
        let given = batch(&[(2, 10), (1, 20), (2, 30), (1, 20), (1, 40), (2, 10)], &bytes);
        let mut arranged = given.clone();
        arrange(&mut arranged);
        let expected: Vec<_> = [1, 3, 4, 0, 2, 5].map(|at: usize| given[at]).to_vec();
        let places = |batch: &[(SocketAddr, &[u8])]| -> Vec<_> {
            batch.iter().map(|(to, bytes)| (to.port(), bytes.as_ptr().addr(), bytes.len())).collect()
        };
        assert_eq!(places(&arranged), places(&expected));
    }
}
