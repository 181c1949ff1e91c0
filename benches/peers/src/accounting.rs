//! What larder says that it holds beside what the process holds: `bytes()` against growth of the resident size, and the
//! resident size of a store against its bound, after it was written over several times with values of other sizes.
//!
//! Each case runs in a fresh process. The rivals say nothing of their bytes, so they have no row.

use indicatif::ProgressBar;

use crate::Failure;
use crate::args::Args;
use crate::child;
use crate::footprint::resident;
use crate::larder_peers::{ACCOUNTS, Account};
use crate::table::{Table, digits};

/// Runs every wanted case.
///
/// # Errors
/// Arguments that are no numbers, or a child that failed.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let default = if args.has("--quick") {
        100_000
    } else {
        1_000_000
    };
    let mut sizes: Vec<usize> = vec![args.number("--entries", default)?];
    if args.has("--full") {
        sizes.push(10_000_000);
    }
    let columns = [
        "case",
        "entries",
        "bytes()",
        "RSS",
        "bytes() / RSS",
        "RSS / bound",
    ];
    let mut table = Table::new(
        "Accounting: what larder says and what the process holds",
        columns,
    );
    table.note("MB of 10^6 bytes; RSS is what the process grew by; a process of its own per row");
    let cases = || {
        ACCOUNTS
            .iter()
            .filter(|(name, _)| args.wants("--only", name))
    };
    let bar = ProgressBar::new((cases().count() * sizes.len()) as u64);
    for entries in sizes {
        for (name, _) in cases() {
            let count = entries.to_string();
            let words = ["accounting-child", "--child", name, "--entries", &count];
            if let Some(found) = child::numbers(&child::own()?, &words)? {
                table.row(cells(name, &found));
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(vec![table])
}

/// A row from a child's numbers: entries, bytes told, bytes resident, the bound or 0.
fn cells(name: &str, found: &[u64]) -> Vec<String> {
    let &[entries, told, resident, bound] = found else {
        return vec![name.into(), "?".into()];
    };
    let mega = |bytes: u64| digits(bytes as f64 / 1e6);
    vec![
        name.into(),
        entries.to_string(),
        mega(told),
        mega(resident),
        format!("{:.3}", told as f64 / resident as f64),
        if bound == 0 {
            "–".into()
        } else {
            format!("{:.3}", resident as f64 / bound as f64)
        },
    ]
}

/// What the child does: fills one case and prints its numbers.
///
/// # Errors
/// Arguments that are no numbers, or a system that does not tell the resident size.
pub fn child(args: &Args) -> Result<(), Failure> {
    let entries = args.number("--entries", 0)?;
    let wanted = args.text("--child").unwrap_or_default();
    let before = resident()?;
    let case = ACCOUNTS.iter().find(|(name, _)| *name == wanted);
    let account: Option<Account> = case.map(|(_, fill)| fill(entries));
    let grown = resident()?.saturating_sub(before);
    let numbers = account
        .as_ref()
        .map(|account| [account.entries, account.bytes, grown, account.bound]);
    child::print(numbers.as_ref().map(<[u64; 4]>::as_slice));
    Ok(())
}
