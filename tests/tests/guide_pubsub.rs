//! The guide's pub/sub section: a publisher of JSON texts, a subscriber with a callback in a background thread.

#![allow(clippy::disallowed_methods, reason = "the guide starts a thread")]

use std::sync::mpsc::channel;
use std::thread;

use larder::{Event, RecvError, Store};

/// The guide's message, as its `json.dumps` would write it.
const ALERT: &str = r#"{"type": "alert", "message": "Hello!"}"#;

#[test]
fn a_thread_in_the_background_gets_what_is_published_and_can_be_stopped() {
    let store = Store::new();
    let mut notifications = store.subscribe(["notifications"]);
    let stop = notifications.remote();
    let (received, received_by_test) = channel();
    let handler = thread::spawn(move || {
        notifications.listen_blocking(|event| {
            let Event::Message(message) = event else {
                return;
            };
            let text: String = message.get().expect("a text was published");
            received.send(text).expect("the test waits for it");
        })
    });

    let delivery = store.publish("notifications", ALERT);
    assert_eq!((delivery.received, delivery.dropped), (1, 0));
    assert_eq!(received_by_test.recv().as_deref(), Ok(ALERT));

    stop.stop();
    let listened = handler.join().expect("the handler does not panic");
    assert_eq!((listened.events, listened.end), (1, RecvError::Stopped));
    assert_eq!(store.publish("notifications", ALERT).received, 0);
}

#[test]
fn what_is_published_before_anybody_subscribed_reaches_nobody() {
    let store = Store::new();
    assert_eq!(store.publish("notifications", ALERT).received, 0);
    let mut late = store.subscribe(["notifications"]);
    assert_eq!(late.try_recv(), Err(RecvError::Empty));
}

#[test]
fn a_pattern_hears_all_channels_that_it_matches() {
    let store = Store::new();
    let mut reader = store.psubscribe(["user:*"]);
    store.publish("user:1", "login");
    store.publish("order:1", "paid");
    store.publish("user:2", "logout");
    let mut heard = Vec::new();
    while let Ok(Event::Message(message)) = reader.try_recv() {
        heard.push((message.channel().to_vec(), message.payload().to_vec()));
    }
    let expected = [("user:1", "login"), ("user:2", "logout")];
    let expected = expected.map(|(channel, text)| (channel.into(), text.into()));
    assert_eq!(heard, expected);
}
