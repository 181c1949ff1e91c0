#[larder::memoize(tags = ["user:{db}"], skip(db))]
fn f(db: &str, id: u64) -> Result<u64, String> {
    db.parse::<u64>().map(|n| n + id).map_err(|error| error.to_string())
}

fn main() {}
