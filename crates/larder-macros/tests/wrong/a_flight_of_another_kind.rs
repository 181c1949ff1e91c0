#[larder::memoize(single_flight = all)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
