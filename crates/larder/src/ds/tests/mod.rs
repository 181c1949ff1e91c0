//! The structures that a stripe stands on, in lockstep with plain models.

mod table;
mod wheel;
