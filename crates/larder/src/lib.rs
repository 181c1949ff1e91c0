//! larder: an embeddable, in-process cache engine.
