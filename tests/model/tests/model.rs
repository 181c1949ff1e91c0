//! Every model of larder's protocols, in every order of their steps; see the crate's page.

use larder_model::{groups, latches, reads};

#[test]
fn a_value_rewritten_in_place_is_never_torn() {
    reads::a_value_rewritten_in_place_is_never_torn();
}

#[test]
fn a_record_that_moves_is_never_missed_nor_mistaken_for_who_takes_its_place() {
    reads::a_record_that_moves_is_never_missed_nor_mistaken_for_who_takes_its_place();
}

#[test]
fn a_key_whose_slot_and_place_go_to_another_is_there_whole_or_not_at_all() {
    reads::a_key_whose_slot_and_place_go_to_another_is_there_whole_or_not_at_all();
}

#[test]
fn a_key_that_comes_back_is_seen_with_one_of_its_values() {
    reads::a_key_that_comes_back_is_seen_with_one_of_its_values();
}

#[test]
fn a_key_that_a_split_moves_is_never_missed() {
    reads::a_key_that_a_split_moves_is_never_missed();
}

#[test]
fn who_has_seen_one_change_of_a_group_sees_the_others() {
    groups::who_has_seen_one_change_of_a_group_sees_the_others();
}

#[test]
fn what_is_observed_as_one_was_so_at_one_moment() {
    groups::what_is_observed_as_one_was_so_at_one_moment();
}

#[test]
fn a_reader_by_its_slot_and_a_writer_exclude_each_other() {
    latches::a_reader_by_its_slot_and_a_writer_exclude_each_other();
}

#[test]
fn a_writer_that_gives_up_does_not_let_the_next_one_in_too_early() {
    latches::a_writer_that_gives_up_does_not_let_the_next_one_in_too_early();
}
