//! Every way to wait.

use std::panic;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;

use super::is_empty;
use crate::bus::{Bus, Event, RecvError, Topic};
use crate::time::ManualClock;
use crate::wait::block_on;

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_is_woken_by_the_next_message_and_only_while_it_sleeps() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let mut stream = Pin::new(&mut reader);
    assert_eq!(stream.as_mut().poll_next(&mut context), Poll::Pending);
    topic.publish(1);
    topic.publish(2);
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    for number in [1, 2] {
        let event = stream.as_mut().poll_next(&mut context);
        assert_eq!(event, Poll::Ready(Some(Event::Message(number.into()))));
    }
    drop(topic);
    assert_eq!(stream.poll_next(&mut context), Poll::Ready(None));
}

#[test]
fn a_future_that_is_dropped_loses_nothing() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        std::pin::pin!(reader.recv())
            .poll(&mut context)
            .is_pending()
    );
    topic.publish(1);
    let mut future = Box::pin(reader.recv());
    let event = block_on(|context| future.as_mut().poll(context), None);
    assert_eq!(event, Some(Ok(Event::Message(1.into()))));
}

#[test]
fn a_thread_waits_no_longer_than_it_said() {
    let time = ManualClock::new();
    let topic = Topic::<u32>::with_clock(time.clock());
    let mut reader = topic.subscribe();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| reader.recv_blocking(Duration::from_secs(5)));
        while !waiter.is_finished() {
            time.advance(Duration::from_secs(5));
            std::thread::yield_now();
        }
        assert_eq!(waiter.join().expect("no panic"), Err(RecvError::Empty));
    });
}

#[test]
fn a_listening_thread_is_stopped_from_outside() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["a", "b"]);
    let remote = reader.remote();
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| reader.listen_blocking(|_| {}));
        assert!(remote.stop());
        let listened = listener.join().expect("it does not panic");
        assert_eq!(listened.end, RecvError::Stopped);
    });
    assert!(!remote.stop());
    assert_eq!(reader.try_recv(), Err(RecvError::Stopped));
    assert_eq!(bus.publish("a", "x").received, 0);
}

#[test]
fn a_callback_that_panics_is_counted_and_called_again() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    assert_eq!(
        (0..4)
            .map(|number| topic.publish(number).received)
            .sum::<u64>(),
        4
    );
    drop(topic);
    let mut seen = Vec::new();
    let remote = reader.remote();
    let listened = reader.listen_blocking(|event| {
        let number = event.message().map_or(0, |number| **number);
        seen.push(number);
        // `resume_unwind` says nothing on standard error.
        (number % 2 == 0).then(|| panic::resume_unwind(Box::new("the callback's own")));
    });
    assert_eq!(seen, [0, 1, 2, 3]);
    assert_eq!((listened.events, listened.panics), (4, 2));
    assert_eq!((remote.panics(), listened.end), (2, RecvError::Closed));
}

#[test]
fn a_callback_publishes_to_what_it_listens_to() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["countdown"]);
    let remote = reader.remote();
    bus.publish("countdown", 3);
    let listened = reader.listen_blocking(|event| {
        let left: i64 = event.message().map_or(0, |m| m.get().unwrap_or(0));
        if left == 0 {
            remote.stop();
        } else {
            bus.publish("countdown", left - 1);
        }
    });
    assert_eq!(listened.events, 4);
}

#[test]
fn a_channel_of_events_gives_all_of_them_in_order_and_then_the_end() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    let (sender, receiver) = crossbeam_channel::bounded(2);
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(move || reader.forward_blocking(&sender));
        for number in 0..500 {
            topic.publish(number);
        }
        drop(topic);
        let numbers = receiver.iter().filter_map(Event::message).map(|n| *n);
        assert!(numbers.eq(0..500));
        assert_eq!(forwarding.join().expect("no panic"), Ok(RecvError::Closed));
    });
}

#[test]
fn a_channel_that_is_full_leaves_what_comes_to_the_policy() {
    let topic = Topic::<u32>::new();
    let lag = crate::bus::Overflow::lag(4);
    let mut reader = topic.subscribe_with(lag).expect("a capacity");
    let (sender, receiver) = crossbeam_channel::bounded(1);
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(move || reader.forward_blocking(&sender));
        topic.publish(0);
        // It is in the channel; the next one is what the thread waits with.
        while !receiver.is_full() {
            std::thread::yield_now();
        }
        for number in 1..100 {
            topic.publish(number);
        }
        drop(topic);
        let (mut messages, mut missed) = (0, 0);
        for event in &receiver {
            match event {
                Event::Message(_) => messages += 1,
                Event::Gap { missed: some } => missed += some,
            }
        }
        assert_eq!(messages + missed, 100);
        assert!(missed >= 94, "{missed}");
        assert_eq!(forwarding.join().expect("no panic"), Ok(RecvError::Closed));
    });
}

#[test]
fn a_thread_that_waits_for_room_in_a_channel_is_stopped_from_outside() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    let remote = reader.remote();
    let (sender, receiver) = crossbeam_channel::bounded(0);
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(|| reader.forward_blocking(&sender));
        topic.publish(1);
        remote.stop();
        assert_eq!(forwarding.join().expect("no panic"), Ok(RecvError::Stopped));
    });
    assert!(receiver.is_empty());
}

#[test]
fn an_event_that_nobody_receives_any_more_comes_back() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    let (sender, receiver) = crossbeam_channel::bounded(1);
    topic.publish(7);
    topic.publish(8);
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(|| reader.forward_blocking(&sender));
        // The first is in the channel, and the thread waits with the second, or comes to it.
        while !receiver.is_full() {
            std::thread::yield_now();
        }
        drop(receiver);
        let event = forwarding
            .join()
            .expect("no panic")
            .expect_err("nobody receives");
        assert_eq!(event.0, Event::Message(8.into()));
    });
}

#[test]
fn a_signal_comes_for_what_was_there_for_what_comes_and_for_the_end() {
    let topic = Topic::<u32>::new();
    let mut reader = topic.subscribe();
    topic.publish(1);
    let ready = reader.ready();
    for number in 1..4 {
        assert!(ready.recv().is_ok());
        assert_eq!(reader.try_recv(), Ok(Event::Message(number.into())));
        while ready.try_recv().is_ok() {}
        assert!(is_empty(&mut reader));
        assert!(ready.is_empty());
        topic.publish(number + 1);
    }
    assert!(ready.recv().is_ok());
    assert!(reader.try_recv().is_ok() && is_empty(&mut reader));
    drop(topic);
    assert!(ready.recv().is_ok());
    assert_eq!(reader.try_recv(), Err(RecvError::Closed));
    assert!(ready.recv().is_ok());
}
