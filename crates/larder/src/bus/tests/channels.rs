//! Channels, patterns, counts, retained messages.

use super::{drain, is_empty};
use crate::bus::{Bus, Event, Message, Overflow, RecvError, Subscription};

fn texts(subscription: &mut Subscription<Message>) -> Vec<String> {
    let shown = |event: Event<Message>| match event {
        Event::Message(message) => {
            let payload = String::from_utf8_lossy(message.payload()).into_owned();
            match message.pattern() {
                Some(pattern) => format!("{}>{payload}", String::from_utf8_lossy(pattern)),
                None => payload,
            }
        }
        Event::Gap { missed } => format!("-{missed}"),
    };
    drain(subscription).into_iter().map(shown).collect()
}

#[test]
fn one_subscriber_gets_a_message_by_channel_and_by_each_pattern_as_servers_count_it() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["ch"]);
    reader.psubscribe(["c*", "*h"]);
    assert_eq!(bus.publish("ch", "hi").received, 3);
    assert_eq!(texts(&mut reader), ["hi", "*h>hi", "c*>hi"]);
    assert_eq!(bus.publish("nobody", "x").received, 0);
    assert_eq!(bus.channels(), [(*b"ch").into()]);
    assert_eq!(bus.patterns().len(), 2);
    assert_eq!((bus.subscribers("ch"), bus.subscribers("x")), (1, 0));
}

#[test]
fn subscribing_twice_to_one_channel_is_subscribing_once() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["ch", "ch"]);
    reader.subscribe(["ch"]);
    reader.remote().subscribe(["ch"]);
    assert!(is_empty(&mut reader));
    assert_eq!(bus.publish("ch", "hi").received, 1);
    assert_eq!(texts(&mut reader), ["hi"]);
}

#[test]
fn messages_of_several_channels_come_in_the_order_of_their_publishing() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["a", "b", "c"]);
    let channels = ["c", "a", "b", "b", "a", "c", "c", "b"];
    for (number, channel) in channels.iter().enumerate() {
        bus.publish(channel, number);
    }
    let expected: Vec<String> = (0..channels.len()).map(|n| n.to_string()).collect();
    assert_eq!(texts(&mut reader), expected);
}

#[test]
fn dropping_unsubscribes_and_frees_the_channel() {
    let bus = Bus::new();
    let reader = bus.subscribe(["ch"]);
    let other = bus.psubscribe(["c*"]);
    drop(reader);
    assert_eq!(bus.publish("ch", "hi").received, 1);
    drop(other);
    assert_eq!(bus.publish("ch", "hi").received, 0);
    assert!(bus.channels().is_empty() && bus.patterns().is_empty());
}

#[test]
fn channels_are_added_and_removed_from_outside_while_the_subscriber_waits() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["a"]);
    let remote = reader.remote();
    remote.subscribe(["b"]);
    remote.psubscribe(["x*"]);
    assert_eq!(bus.publish("b", 1).received, 1);
    assert_eq!(bus.publish("xy", 2).received, 1);
    assert_eq!(texts(&mut reader), ["1", "x*>2"]);
    remote.unsubscribe(["a", "b"]);
    remote.punsubscribe(["x*"]);
    assert!(is_empty(&mut reader));
    for channel in ["a", "b", "xy"] {
        assert_eq!(bus.publish(channel, 3).received, 0);
    }
}

#[test]
fn a_newcomer_gets_the_retained_message_by_channel_and_by_pattern() {
    let bus = Bus::new();
    bus.retain("mode");
    assert!(bus.channels().is_empty());
    bus.publish("mode", "light");
    bus.publish("mode", "dark");
    assert_eq!(texts(&mut bus.subscribe(["mode"])), ["dark"]);
    assert_eq!(texts(&mut bus.psubscribe(["m*"])), ["m*>dark"]);
    let conflating = Overflow::conflate(4, |m: &Message| m.channel().to_vec());
    let mut boxed = bus
        .subscribe_with(["mode"], conflating)
        .expect("a capacity");
    assert_eq!(texts(&mut boxed), ["dark"]);
    bus.forget("mode");
    assert_eq!(bus.last("mode"), None);
    assert!(is_empty(&mut bus.subscribe(["mode"])));
}

#[test]
fn a_message_kept_for_newcomers_survives_its_readers_and_many_segments() {
    let bus = Bus::new();
    bus.retain("mode");
    let mut reader = bus.subscribe(["mode"]);
    for number in 0..300 {
        bus.publish("mode", number);
        drain(&mut reader);
        let last = bus.last("mode").expect("it is retained");
        assert_eq!(last.get::<u32>(), Ok(number));
    }
}

#[test]
fn the_last_handle_of_a_bus_ends_its_subscriptions_after_what_was_sent() {
    let bus = Bus::new();
    let mut reader = bus.subscribe(["a"]);
    let mut idle = bus.subscribe([""; 0]);
    bus.publish("a", 1);
    drop(bus);
    assert_eq!(texts(&mut reader), ["1"]);
    assert_eq!(reader.try_recv(), Err(RecvError::Closed));
    assert_eq!(idle.recv_blocking(None), Err(RecvError::Closed));
}

#[test]
fn a_thread_that_publishes_takes_no_bus_for_another_and_no_reader_for_one_that_left() {
    let (one, other) = (Bus::new(), Bus::new());
    let first = one.subscribe(["news"]);
    let received = |bus: &Bus| bus.publish("news", "text").received;
    assert_eq!((received(&one), received(&other)), (1, 0));
    let second = one.psubscribe(["n*"]);
    assert_eq!((received(&one), received(&other)), (2, 0));
    drop(first);
    assert_eq!((received(&one), received(&other)), (1, 0));
    drop((one, second));
    let third = other.subscribe(["news"]);
    assert_eq!(received(&other), 1);
    drop(third);
    assert_eq!(received(&other), 0);
}

#[test]
fn a_hundred_thousand_channels_come_and_go_without_a_trace() {
    let bus = Bus::new();
    let mut readers = std::collections::VecDeque::new();
    for number in 0..100_000_u32 {
        let channel = number.to_string();
        readers.push_back(bus.subscribe([&channel]));
        if number % 16 == 0 {
            assert_eq!(bus.publish(&channel, "x").received, 1);
        }
        readers.truncate(100);
        if readers.len() == 100 {
            readers.pop_front();
        }
    }
    readers.clear();
    assert!(bus.channels().is_empty());
}

#[test]
fn a_pattern_that_would_explode_costs_no_more_than_its_length_times_the_name() {
    let bus = Bus::new();
    let pattern = "*a".repeat(2_000) + "b";
    let _reader = bus.psubscribe([pattern]);
    let channel = "a".repeat(4_000);
    assert_eq!(bus.publish(channel, "x").received, 0);
}

#[test]
fn a_topic_name_is_free_again_when_its_topic_is_gone() {
    let bus = Bus::new();
    drop(bus.topic::<u8>("t").expect("the first of its name"));
    assert!(bus.topic::<String>("t").is_ok());
}
