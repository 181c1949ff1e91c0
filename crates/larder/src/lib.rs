//! larder: an embeddable, in-process cache engine.
#![allow(dead_code, reason = "x")]
mod ds;
