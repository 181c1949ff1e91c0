use std::collections::HashMap;

#[larder::memoize(bulk)]
fn f(id: u64) -> HashMap<u64, u64> {
    HashMap::from([(id, id)])
}

#[larder::memoize(bulk, tags = ["of:{result}"])]
fn g(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[larder::memoize(bulk, errors = "1s")]
fn h(ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
    Ok(ids.iter().map(|id| (*id, *id)).collect())
}

#[larder::memoize(name = users)]
fn i(id: u64) -> u64 {
    id
}

#[larder::memoize(scope = thread, name = "users")]
fn j(id: u64) -> u64 {
    id
}

fn main() {}
