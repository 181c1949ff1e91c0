#[larder::memoize(ttl = "60s", soft_timeout = "1s", single_flight = off)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
