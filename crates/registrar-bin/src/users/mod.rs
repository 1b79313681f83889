//! Users: the file in which they and their secrets are, read at the start and again when it changes, and the commands
//! that change it.
//!
//! ```text
//!   users.toml ─▶ blocks ─▶ read: User ─▶ load: UserTable ─▶ ReloadedUsers ─▶ the registrar asks
//! ```

mod address;
mod blocks;
mod changes;
mod command;
mod load;
mod masked;
mod read;
mod reload;
mod source;
#[cfg(test)]
mod testing;
mod user;

pub(crate) use command::command;
pub(crate) use source::{Refresh, UserStore, Users, named};

pub(crate) use address::Address;
use load::Challenge;
use reload::UsersFile;
