//! A SIP client as small as it can be: it registers.
//!
//! ```text
//!   Destination ── resolve ──▶ Link over UDP, TCP or TLS ── Register ──▶  ◀── Answer, Challenge ── answer ──▶
//! ```

mod answer;
mod destination;
mod digest;
mod link;
mod random;
mod register;
mod roots;

pub use answer::{Answer, AnswerContact, OurVia};
pub use destination::{Destination, DestinationError, Over};
pub use digest::{Account, Challenge, Count};
pub use link::Link;
pub use random::token;
pub use register::Register;
pub use roots::{Roots, RootsError};
