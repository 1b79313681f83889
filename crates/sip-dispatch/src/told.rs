//! What is to be done when an answer may be told.

use sip_transport::Now;

/// Nothing, or something: seldom more than one thing, which then takes memory once.
#[derive(Default)]
pub(crate) struct Told(Option<Box<dyn FnOnce(Now) + Send>>);

impl Told {
    /// Does `more` as well, after what is to be done already.
    pub(crate) fn and(&mut self, more: impl FnOnce(Now) + Send + 'static) {
        self.0 = Some(match self.0.take() {
            None => Box::new(more),
            Some(first) => Box::new(move |now| {
                first(now);
                more(now);
            }),
        });
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// It may be told now.
    pub(crate) fn tell(self, now: Now) {
        if let Some(told) = self.0 {
            told(now);
        }
    }
}
