//! A topic in lockstep with queues that are plainly what the policies say.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use crate::bus::{Event, Overflow, RecvError, Subscription, Topic};

#[derive(Clone, Copy, Debug)]
enum Operation {
    Lag(u64),
    DropNewest(u64),
    Disconnect(u64),
    Publish,
    Read(usize),
    Leave(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => (1_u64..10).prop_map(Operation::Lag),
        1 => (1_u64..10).prop_map(Operation::DropNewest),
        1 => (1_u64..10).prop_map(Operation::Disconnect),
        20 => Just(Operation::Publish),
        12 => any::<usize>().prop_map(Operation::Read),
        1 => any::<usize>().prop_map(Operation::Leave),
    ]
}

/// What a subscription should hold.
struct Model {
    kind: Operation,
    capacity: u64,
    queue: VecDeque<Event<u32>>,
    lost: u64,
    is_cut: bool,
}

impl Model {
    fn new(kind: Operation, capacity: u64) -> Self {
        Model {
            kind,
            capacity,
            queue: VecDeque::new(),
            lost: 0,
            is_cut: false,
        }
    }

    /// Takes a message in; returns received and dropped.
    fn put(&mut self, number: u32) -> (u64, u64) {
        let held = self.queue.iter().filter(|e| matches!(e, Event::Message(_)));
        if self.is_cut {
            return (0, 0);
        }
        if (held.count() as u64) < self.capacity {
            self.queue.push_back(Event::Message(number));
            return (1, 0);
        }
        match self.kind {
            Operation::Lag(_) => {
                self.queue.pop_front();
                self.lost += 1;
                self.queue.push_back(Event::Message(number));
                (1, 1)
            }
            Operation::DropNewest(_) => {
                match self.queue.back_mut() {
                    Some(Event::Gap { missed }) => *missed += 1,
                    _ => self.queue.push_back(Event::Gap { missed: 1 }),
                }
                (0, 1)
            }
            _ => {
                self.queue.clear();
                self.lost = self.capacity + 1;
                self.is_cut = true;
                (0, self.lost)
            }
        }
    }

    fn take(&mut self) -> Result<Event<u32>, RecvError> {
        if self.lost > 0 {
            let missed = std::mem::take(&mut self.lost);
            return Ok(Event::Gap { missed });
        }
        let end = if self.is_cut {
            RecvError::Disconnected
        } else {
            RecvError::Empty
        };
        self.queue.pop_front().ok_or(end)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_topic_does_what_plain_queues_do(operations in prop::collection::vec(operation(), 1..300)) {
        let topic = Topic::<u32>::new();
        let mut pairs: Vec<(Subscription<Arc<u32>>, Model)> = Vec::new();
        let mut number = 0;
        for operation in operations {
            match operation {
                Operation::Lag(capacity) | Operation::DropNewest(capacity) | Operation::Disconnect(capacity) => {
                    let room = capacity as usize;
                    let overflow = match operation {
                        Operation::Lag(_) => Overflow::lag(room),
                        Operation::DropNewest(_) => Overflow::drop_newest(room),
                        _ => Overflow::disconnect(room),
                    };
                    let subscription = topic.subscribe_with(overflow).expect("a capacity");
                    pairs.push((subscription, Model::new(operation, capacity)));
                }
                Operation::Publish => {
                    let delivery = topic.publish(number);
                    let put = pairs.iter_mut().map(|(_, model)| model.put(number));
                    let expected = put.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                    prop_assert_eq!((delivery.received, delivery.dropped), expected);
                    number += 1;
                }
                Operation::Read(place) if !pairs.is_empty() => {
                    let place = place % pairs.len();
                    let (subscription, model) = &mut pairs[place];
                    let read = subscription.try_recv_with(|event| match event {
                        Event::Message(number) => Event::Message(**number),
                        Event::Gap { missed } => Event::Gap { missed },
                    });
                    prop_assert_eq!(read, model.take());
                }
                Operation::Leave(place) if !pairs.is_empty() => {
                    drop(pairs.swap_remove(place % pairs.len()));
                }
                Operation::Read(_) | Operation::Leave(_) => {}
            }
            let live = pairs.iter().filter(|(_, model)| !model.is_cut).count();
            prop_assert_eq!(topic.subscribers(), live as u64);
        }
    }
}
