//! Patterns: what programs build on a cache, done once and right. Built on the public faces.
//!
//! `limit` decides who may call how often; `session` keeps who is logged in.

pub(crate) mod limit;
pub(crate) mod session;
