//! What is written wrongly is answered with what to write.

#[test]
fn errors_point_at_the_setting_and_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/wrong/*.rs");
}
