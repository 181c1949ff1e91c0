//! What the bus promises.
