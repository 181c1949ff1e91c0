//! A subscription's events, handed on to a crossbeam channel by a thread that waits for both ends.
//!
//! While the channel is full the thread sleeps in a `select` of two: room in the channel, and a signal of the line, by
//! which a remote stops it. Events wait in the ring meanwhile, under the subscription's policy: the channel's capacity adds
//! to what is unread, and takes nothing of the bound away.

use crossbeam_channel::{Receiver, Select, SendError, Sender, TrySendError};
use std::task::Waker;

use super::message::{Event, RecvError};
use super::subscription::Subscription;
use crate::wait::signal;

impl<T: Clone> Subscription<T> {
    /// Hands every event on to a crossbeam channel, on this thread, until there will be no more; returns why. In `select!` the
    /// other end gives the events themselves, beside any other channel.
    ///
    /// A full channel makes this thread wait, and the policy for messages that are not read in time applies. A
    /// [`Remote`](crate::Remote) stops it at any time. To be told of the end as well, let the sender go with the thread.
    ///
    /// ```
    /// use crossbeam_channel::{bounded, select};
    /// use larder::{Bus, Event};
    ///
    /// let bus = Bus::new();
    /// let mut news = bus.subscribe(["news"]);
    /// let remote = news.remote();
    /// let (sender, receiver) = bounded(16);
    /// let (_quit, quits) = bounded::<()>(0);
    /// let forwarding = std::thread::spawn(move || news.forward_blocking(&sender));
    ///
    /// bus.publish("news", "hello");
    /// select! {
    ///     recv(receiver) -> event => match event? {
    ///         Event::Message(message) => assert_eq!(message.payload(), b"hello"),
    ///         Event::Gap { missed } => println!("{missed} messages were lost"),
    ///     },
    ///     recv(quits) -> _ => return Ok(()),
    /// }
    /// remote.stop();
    /// assert_eq!(forwarding.join().unwrap(), Ok(larder::RecvError::Stopped));
    /// assert!(receiver.recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Cost
    ///
    /// What the channel costs, and for each event a clone of the message; no lock of the store or the bus is held.
    ///
    /// # Errors
    ///
    /// The event that nobody received, if all receivers are gone; that is noticed with the next event.
    pub fn forward_blocking(
        &mut self,
        to: &Sender<Event<T>>,
    ) -> Result<RecvError, SendError<Event<T>>> {
        let mut bell: Option<(Waker, Receiver<()>)> = None;
        loop {
            let event = match self.recv_blocking(None) {
                Ok(event) => event,
                Err(end) => return Ok(end),
            };
            match to.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Disconnected(event)) => return Err(SendError(event)),
                Err(TrySendError::Full(event)) => {
                    let bell = bell.get_or_insert_with(signal);
                    if let Some(end) = self.wait_for_room(to, event, bell)? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Sends the event when there is room; or says why there is no more to be sent.
    fn wait_for_room(
        &mut self,
        to: &Sender<Event<T>>,
        event: Event<T>,
        (waker, rung): &(Waker, Receiver<()>),
    ) -> Result<Option<RecvError>, SendError<Event<T>>> {
        loop {
            while !self.line().sleep(waker) {
                self.settle();
                if self.ended.is_some() {
                    return Ok(self.ended);
                }
            }
            let mut select = Select::new();
            let sends = select.send(to);
            select.recv(rung);
            let ready = select.select();
            if ready.index() == sends {
                return ready.send(to, event).map(|()| None);
            }
            // It is ours alone and never closed: a signal is what came.
            let _signal = ready.recv(rung);
        }
    }
}
