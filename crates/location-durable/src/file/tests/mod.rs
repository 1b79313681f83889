//! What the file promises, on disks that fail in all ways.

mod crash_cut;
mod disk_errors;
mod economy;
mod memory;
mod model;
mod power_cut;
mod refusals;
mod script;
