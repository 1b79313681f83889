//! A client with many addresses of record and one request on its way for each.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::aor::{Aor, Found};
use crate::dice::Dice;
use crate::harness::{Leg, PATIENCE};
use crate::line::{Heard, Line};

/// How many addresses one client has, and how many requests are on their way at once.
const AORS: usize = 150;
const WINDOW: usize = 40;

pub(crate) struct Phone {
    aors: Vec<Aor>,
    dice: Dice,
}

/// What a start of the registrar has shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    /// Changes that were answered with 200.
    pub(crate) answered: usize,
    /// Changes that were not answered when it died, and are there.
    pub(crate) unanswered: usize,
    /// Changes that were answered and are not there.
    pub(crate) lost: usize,
    /// How long before its end the oldest of these was answered.
    pub(crate) oldest: Duration,
}

impl Phone {
    pub(crate) fn new(number: usize, dice: Dice) -> Self {
        let aors = (0..AORS).map(|n| Aor::new(&format!("user-{number}-{n}@example.com"))).collect();
        Self { aors, dice }
    }

    /// Asks for all bindings and looks whether they are as they were when the registrar died, at `died`; of what was
    /// answered longer than `may_lose` before, nothing may be missing.
    pub(crate) fn verify(&mut self, leg: Leg, died: Option<Instant>, may_lose: Duration) -> Sum {
        let mut line = Line::to(leg);
        let mut sum = Sum::default();
        for first in (0..AORS).step_by(WINDOW) {
            let some = self.aors.get_mut(first..AORS.min(first + WINDOW)).unwrap();
            let mut asked: HashMap<String, &mut Aor> = HashMap::new();
            for aor in some {
                let question = aor.question();
                line.send(&question);
                asked.insert(question.call_id, aor);
            }
            while !asked.is_empty() {
                let Heard::Answer(response) = line.hear(PATIENCE) else { panic!("{} questions are open", asked.len()) };
                let aor = asked.remove(response.header("Call-ID")).unwrap();
                aor.is_found(&Found::read(&response), died, may_lose, &mut sum);
            }
        }
        sum
    }

    /// Changes this and that until the registrar is dead; says how many changes were answered.
    pub(crate) fn change(&mut self, leg: Leg, dead: &AtomicBool) -> usize {
        let mut line = Line::to(leg);
        let mut answered = 0;
        let mut on_their_way: BTreeMap<String, usize> = BTreeMap::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_dead = dead.load(Ordering::Acquire);
            while !is_dead && on_their_way.len() < WINDOW {
                let at = usize::try_from(self.dice.roll(0..AORS as u64)).unwrap();
                let aor = &mut self.aors[at];
                if let Some(request) = aor.change(&mut self.dice) {
                    line.send(&request);
                    on_their_way.insert(request.call_id, at);
                }
            }
            match line.hear(Duration::from_millis(10)) {
                Heard::Answer(response) => {
                    let at = on_their_way.remove(response.header("Call-ID")).unwrap();
                    self.aors[at].is_answered(&response);
                    answered += 1;
                }
                // What the dead have sent has arrived before they are known to be dead.
                Heard::Gone | Heard::Nothing if is_dead => return answered,
                Heard::Gone | Heard::Nothing => assert!(Instant::now() < deadline, "not killed"),
            }
        }
    }
}
