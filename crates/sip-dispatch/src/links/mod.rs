//! Links that every chain can use. The usual order: [`Sanity`], [`Options`], …, [`Fallback`].

mod credentials;
mod fallback;
mod options;
mod sanity;
mod throttle;

pub use crate::budget::Rate;
pub use fallback::Fallback;
pub use options::Options;
pub use sanity::Sanity;
pub use throttle::Throttle;
