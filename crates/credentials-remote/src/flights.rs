//! Who waits for which lookup.

use std::collections::HashMap;
use std::time::Instant;

use sip_registrar::auth::Found;
use tokio::sync::oneshot;

use crate::source::User;

/// Lookups that are waiting or under way: one for each user, however many wait for it.
pub(crate) struct Flights {
    flights: HashMap<User, Flight>,
    waiting: usize,
    /// How many may wait, all lookups together.
    bound: usize,
}

struct Flight {
    since: Instant,
    waiting: Vec<oneshot::Sender<Found>>,
}

/// What became of somebody who wants to wait.
pub(crate) enum Boarded {
    /// His is the first wish for this user: a lookup has to be begun.
    First(oneshot::Receiver<Found>),
    /// There is a lookup for this user already.
    Joined(oneshot::Receiver<Found>),
    /// Too many wait.
    Full,
}

impl Flights {
    pub(crate) fn new(bound: usize) -> Self {
        Self { flights: HashMap::new(), waiting: 0, bound: bound.max(1) }
    }

    pub(crate) fn board(&mut self, user: &User, now: Instant) -> Boarded {
        if self.waiting >= self.bound {
            return Boarded::Full;
        }
        self.waiting += 1;
        let (sender, receiver) = oneshot::channel();
        if let Some(flight) = self.flights.get_mut(user) {
            flight.waiting.push(sender);
            return Boarded::Joined(receiver);
        }
        self.flights.insert(user.clone(), Flight { since: now, waiting: vec![sender] });
        Boarded::First(receiver)
    }

    /// The turn of this user has come: since when he waits. `None`, and forgotten, if nobody wants to know any more.
    pub(crate) fn depart(&mut self, user: &User) -> Option<Instant> {
        let flight = self.flights.get(user)?;
        if flight.waiting.iter().all(oneshot::Sender::is_closed) {
            self.land(user);
            return None;
        }
        Some(flight.since)
    }

    /// It is over: those who have to be told.
    pub(crate) fn land(&mut self, user: &User) -> Vec<oneshot::Sender<Found>> {
        let waiting = self.flights.remove(user).map(|flight| flight.waiting).unwrap_or_default();
        self.waiting -= waiting.len();
        waiting
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::auth::Wanted;

    fn user(name: &str) -> User {
        User::new(&Wanted { name: name.as_bytes(), domain: b"example.com", realm: b"example.com" }).unwrap()
    }

    #[test]
    fn one_lookup_serves_all_who_want_the_same_user() {
        let mut flights = Flights::new(3);
        let now = Instant::now();
        let Boarded::First(first) = flights.board(&user("alice"), now) else { panic!("not the first") };
        let Boarded::Joined(second) = flights.board(&user("alice"), now) else { panic!("not joined") };
        let Boarded::First(other) = flights.board(&user("bob"), now) else { panic!("another user") };
        assert!(matches!(flights.board(&user("alice"), now), Boarded::Full));
        assert!(matches!(flights.board(&user("carol"), now), Boarded::Full));
        assert_eq!(flights.depart(&user("alice")), Some(now));
        let told = flights.land(&user("alice"));
        assert_eq!((told.len(), flights.waiting()), (2, 1));
        told.into_iter().for_each(|sender| sender.send(Ok(None)).unwrap());
        for receiver in [first, second] {
            assert!(matches!(receiver.blocking_recv(), Ok(Ok(None))));
        }
        assert!(matches!(flights.board(&user("alice"), now), Boarded::First(_)));
        drop(other);
    }

    #[test]
    fn a_lookup_nobody_waits_for_does_not_take_place() {
        let mut flights = Flights::new(3);
        let now = Instant::now();
        let first = flights.board(&user("alice"), now);
        let second = flights.board(&user("alice"), now);
        drop(first);
        assert_eq!(flights.depart(&user("alice")), Some(now));
        drop(second);
        assert_eq!((flights.depart(&user("alice")), flights.waiting()), (None, 0));
    }
}
