//! Every race of larder's bus; see the crate's page.

use larder_race::bus::races;

#[test]
fn a_reader_that_lags_misses_exactly_what_publishers_dropped() {
    races::a_reader_that_lags_misses_exactly_what_publishers_dropped();
}

#[test]
fn publishers_that_wait_lose_nothing_and_are_always_woken() {
    races::publishers_that_wait_lose_nothing_and_are_always_woken();
}

#[test]
fn a_reader_that_sleeps_is_woken_by_a_message_and_by_the_end() {
    races::a_reader_that_sleeps_is_woken_by_a_message_and_by_the_end();
}

#[test]
fn a_publisher_that_gives_up_sends_nothing_and_keeps_nobody_waiting() {
    races::a_publisher_that_gives_up_sends_nothing_and_keeps_nobody_waiting();
}

#[test]
fn a_queue_that_refuses_counts_what_it_refused() {
    races::a_queue_that_refuses_counts_what_it_refused();
}
