#[larder::memoize(bulk, single_flight = off)]
fn lengths(texts: &[String]) -> Vec<(String, usize)> {
    texts.iter().map(|text| (text.clone(), text.len())).collect()
}

fn main() {}
