//! The child's side: takes its order, builds its walls, answers, ends.

use std::io::{BufRead as _, BufReader, Read};

use super::super::StoreError;
use super::frame::{Fault, Frame, Order};
use super::{answer, base, walls};

/// An order that is longer is none.
const MAX_ORDER: u64 = 8 << 20;
/// How the process ends when whoever started it has gone.
const ABANDONED: i32 = 3;

/// Runs this process as a child: the order on standard input, the answer on standard output.
pub fn main() -> Result<(), StoreError> {
    walls::close_descriptors();
    let mut stdin = BufReader::new(std::io::stdin());
    let order = read_order(&mut stdin)?;
    walls::raise(&order)?;
    let watch = std::thread::Builder::new().name("stdin".into());
    watch
        .spawn(move || {
            // Nothing comes any more; the end means that nobody waits for the answer.
            let _ = stdin.read(&mut [0]);
            walls::end_at_once(ABANDONED);
        })
        .map_err(|e| StoreError::Other(format!("no thread: {e}")))?;
    let told = match base::open(&order).and_then(|store| answer::answer(&store, &order)) {
        Ok(end) => Frame::End(end),
        Err(error) => Frame::Fault(Fault::of(&error)),
    };
    // Nobody may listen any more.
    let _ = told.write(&mut std::io::stdout().lock());
    walls::end_at_once(0)
}

fn read_order(stdin: &mut impl std::io::BufRead) -> Result<Order, StoreError> {
    let mut line = Vec::new();
    let wrong = |e: &dyn std::fmt::Display| {
        StoreError::Other(format!(
            "this verb is for eider's own use, it takes an order on standard input: {e}"
        ))
    };
    stdin
        .take(MAX_ORDER)
        .read_until(b'\n', &mut line)
        .map_err(|e| wrong(&e))?;
    serde_json::from_slice(&line).map_err(|e| wrong(&e))
}
