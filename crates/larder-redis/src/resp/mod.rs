//! RESP, the text form of requests and replies, without any input or output of its own.
//!
//! [`RespSession`] is a [`Session`](crate::Session) behind bytes: what a client sent goes in, what it is to receive
//! comes out, in any division.

mod decode;
mod encode;
mod stream;

pub(crate) use decode::Decoder;
pub use decode::Limits;
pub use encode::Protocol;
pub use stream::RespSession;
