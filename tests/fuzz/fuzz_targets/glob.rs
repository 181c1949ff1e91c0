//! Laws of patterns, whatever the pattern and the text.
#![no_main]

use larder::Glob;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (pattern, text) = input;
    let glob = Glob::new(pattern);
    let matches = glob.matches(text);

    if glob.is_literal() {
        assert_eq!(matches, glob.literal_prefix() == text);
    } else if matches {
        assert!(text.starts_with(glob.literal_prefix()));
    }

    let escaped: Vec<u8> = text.iter().flat_map(|byte| [b'\\', *byte]).collect();
    assert!(Glob::new(&escaped).matches(text));

    let open = [b"*", pattern].concat();
    // Two stars do not match the empty text, as in Redis.
    assert!(!matches || text.is_empty() || Glob::new(&open).matches(text));
    assert!(Glob::new("*").matches(text));
});
