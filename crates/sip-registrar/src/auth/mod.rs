//! Who may register: digest authentication (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! ```text
//!   request ─▶ Exempt ─▶ Authorize ── no credentials for this realm ──▶ 401 with a nonce that needs no memory
//!              vouches        │
//!                             ├─ Credentials::find: the user's Account, at once or later
//!                             ├─ the digest, for unknown users over a secret of nobody's
//!                             ├─ the nonce: signed, fresh, and its count has risen
//!                             ├─ To is the user's own address, or granted to it
//!                             ▼
//!                         Registrar
//! ```
//!
//! [`Credentials`] is the seam to where users are kept: [`UserTable`] holds them in memory, other stores are crates of
//! their own.

mod account;
mod attempt;
mod authorize;
mod builder;
mod by_name;
mod challenge;
mod credentials;
mod digest;
mod exempt;
mod filter;
mod grants;
mod ha1;
mod hash;
mod nonce;
mod policy;
mod users;
mod uses;

pub use account::{Account, Algorithms};
pub use authorize::Authorize;
pub use builder::{AuthorizeBuilder, AuthorizeError};
pub use credentials::{Credentials, Found, Unavailable, Wanted};
pub use digest::Qop;
pub use exempt::Exempt;
pub use filter::Check;
pub use grants::{GrantError, Grants};
pub use ha1::Ha1;
pub use hash::HashFunction;
pub use ipnet::IpNet;
pub use nonce::{KeysError, NonceKeys};
pub use policy::{Policy, UriMayDiffer};
pub use users::UserTable;
