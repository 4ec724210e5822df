//! Asks the question and sends the answer in the shape that is wanted.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use super::super::ask::{Sink, read_only, run, with_reader};
use super::super::format::{self, Format};
use super::super::text::Text;
use super::super::{Answer, AnswerColumn, Cell, Question, Store, StoreError, cell};
use super::Output;
use super::frame::{End, Frame, Order};
use super::run::FILE;

/// A frame of data is sent when it is so long.
const CHUNK: usize = 32 << 10;
/// Rows per frame.
const ROWS: usize = 256;
/// How often progress is told, and a row waits at most to be sent.
const PAUSE: Duration = Duration::from_millis(250);

/// Answers the order; what it returns ends the answer.
pub(super) fn answer(store: &Store, order: &Order) -> Result<End, StoreError> {
    let question = &order.question;
    let path = order.private.join(FILE);
    match order.output {
        Output::File(Format::Parquet) | Output::Stream(Format::Parquet) => {
            let rows = store.write_parquet(question, &path)?;
            if order.output == Output::Stream(Format::Parquet) {
                send_file(&path)?;
            }
            Ok(End {
                rows,
                truncated: false,
            })
        }
        Output::Rows => {
            let mut rows = Rows::new(order);
            ask(store, question, &mut rows)?;
            rows.flush()?;
            Ok(rows.end)
        }
        Output::File(format) => {
            let file = File::create(&path).map_err(|e| broken(&e))?;
            written(store, order, format, Out::File(BufWriter::new(file)))
        }
        Output::Stream(format) => written(store, order, format, Out::Frames),
    }
}

fn written(store: &Store, order: &Order, format: Format, out: Out) -> Result<End, StoreError> {
    let mut bytes = Bytes::new(out);
    let limit = usize::try_from(order.max_bytes).unwrap_or(usize::MAX);
    if format == Format::Arrow {
        let progress = |rows| {
            // Whoever does not listen any more stops us anyway.
            let _ = Frame::Progress(rows).write(&mut std::io::stdout().lock());
        };
        let outcome = store.arrow(&order.question, &mut bytes, limit, &progress)?;
        bytes.finish()?;
        return Ok(End {
            rows: outcome.rows,
            truncated: outcome.truncated,
        });
    }
    let mut lines = Lines::new(order, format, bytes, limit);
    ask(store, &order.question, &mut lines)?;
    lines.finish()
}

fn ask(store: &Store, question: &Question, sink: &mut dyn Sink) -> Result<(), StoreError> {
    let deadline = Instant::now() + question.timeout;
    with_reader(&store.shared, question, deadline, |lease, sql| {
        read_only(&store.shared, lease, question, |connection| {
            run(connection, &sql, question, sink)
        })
    })
}

fn send_file(path: &std::path::Path) -> Result<(), StoreError> {
    let mut file = File::open(path).map_err(|e| broken(&e))?;
    let mut bytes = Bytes::new(Out::Frames);
    std::io::copy(&mut file, &mut bytes).map_err(|e| broken(&e))?;
    bytes.finish()
}

fn broken(error: &std::io::Error) -> StoreError {
    if error.raw_os_error() == Some(libc::EFBIG) || error.raw_os_error() == Some(libc::ENOSPC) {
        return StoreError::Limit(
            "stopped: the answer is larger than a file may be: ask for a shorter range".into(),
        );
    }
    StoreError::Other(format!("the answer cannot be written: {error}"))
}

/// Where bytes go.
enum Out {
    Frames,
    File(BufWriter<File>),
}

/// Bytes in frames or into the file.
struct Bytes {
    out: Out,
    waiting: Vec<u8>,
    sent: Instant,
}

impl Bytes {
    fn new(out: Out) -> Bytes {
        Bytes {
            out,
            waiting: Vec::new(),
            sent: Instant::now(),
        }
    }

    fn send(&mut self) -> std::io::Result<()> {
        self.sent = Instant::now();
        for chunk in std::mem::take(&mut self.waiting).chunks(1 << 20) {
            Frame::Data(chunk.to_vec()).write(&mut std::io::stdout().lock())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.flush().map_err(|e| broken(&e))
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Out::File(file) = &mut self.out {
            return file.write(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK || self.sent.elapsed() > PAUSE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.out {
            Out::File(file) => file.flush(),
            Out::Frames => self.send(),
        }
    }
}

/// Rows as text, cut at the caps.
struct Lines {
    format: Format,
    timezone: String,
    max_rows: u64,
    max_bytes: usize,
    text: Option<Text>,
    /// All rows, where they must line up.
    table: Answer,
    row: String,
    bytes: Bytes,
    written: usize,
    end: End,
    told: Instant,
}

impl Lines {
    fn new(order: &Order, format: Format, bytes: Bytes, max_bytes: usize) -> Lines {
        Lines {
            format,
            timezone: order.question.timezone.clone(),
            max_rows: order.question.max_rows as u64,
            max_bytes,
            text: None,
            table: Answer::default(),
            row: String::new(),
            bytes,
            written: 0,
            end: End::default(),
            told: Instant::now(),
        }
    }

    fn put(&mut self) -> Result<(), StoreError> {
        self.written += self.row.len();
        let row = std::mem::take(&mut self.row);
        self.bytes.write_all(row.as_bytes()).map_err(|e| broken(&e))
    }

    fn finish(mut self) -> Result<End, StoreError> {
        match self.text.take() {
            Some(text) => text.end(self.end.truncated, &mut self.row),
            None => {
                self.table.truncated = self.end.truncated;
                self.row = format::text(&self.table, Format::Table, &self.timezone);
            }
        }
        self.put()?;
        self.bytes.finish()?;
        Ok(self.end)
    }
}

impl Sink for Lines {
    fn columns(&mut self, columns: Vec<AnswerColumn>) -> Result<(), StoreError> {
        if self.format == Format::Table {
            self.table.columns = columns;
            return Ok(());
        }
        let text = Text::new(self.format, &columns, &self.timezone);
        text.begin(&columns, &mut self.row);
        self.text = Some(text);
        self.put()
    }

    fn row(&mut self, row: Vec<Cell>) -> Result<bool, StoreError> {
        if self.end.rows >= self.max_rows {
            self.end.truncated = true;
            return Ok(false);
        }
        let size: usize = row.iter().map(cell::size).sum();
        if self.written + size > self.max_bytes.saturating_mul(2) {
            // Not even worth writing out.
            self.end.truncated = true;
            return Ok(false);
        }
        match &mut self.text {
            Some(text) => {
                text.row(&row, &mut self.row);
                if self.written + self.row.len() > self.max_bytes {
                    self.row.clear();
                    self.end.truncated = true;
                    return Ok(false);
                }
                self.put()?;
            }
            None => {
                self.written += size;
                if self.written > self.max_bytes {
                    self.end.truncated = true;
                    return Ok(false);
                }
                self.table.rows.push(row);
            }
        }
        self.end.rows += 1;
        if self.told.elapsed() > PAUSE {
            self.told = Instant::now();
            let progress = Frame::Progress(self.end.rows);
            progress
                .write(&mut std::io::stdout().lock())
                .map_err(|e| broken(&e))?;
        }
        Ok(true)
    }
}

/// Rows as they are, cut at the caps.
struct Rows {
    max_rows: u64,
    max_bytes: usize,
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
    end: End,
    sent: Instant,
}

impl Rows {
    fn new(order: &Order) -> Rows {
        Rows {
            max_rows: order.question.max_rows as u64,
            max_bytes: usize::try_from(order.max_bytes).unwrap_or(usize::MAX),
            waiting: Vec::new(),
            bytes: 0,
            end: End::default(),
            sent: Instant::now(),
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.sent = Instant::now();
        let rows = Frame::Rows(std::mem::take(&mut self.waiting));
        rows.write(&mut std::io::stdout().lock())
            .map_err(|e| broken(&e))
    }
}

impl Sink for Rows {
    fn columns(&mut self, columns: Vec<AnswerColumn>) -> Result<(), StoreError> {
        let columns = Frame::Columns(columns);
        columns
            .write(&mut std::io::stdout().lock())
            .map_err(|e| broken(&e))
    }

    fn row(&mut self, row: Vec<Cell>) -> Result<bool, StoreError> {
        let size: usize = row.iter().map(cell::size).sum();
        if self.end.rows >= self.max_rows || self.bytes + size > self.max_bytes {
            self.end.truncated = true;
            return Ok(false);
        }
        self.bytes += size;
        self.end.rows += 1;
        self.waiting.push(row);
        // Escaped as JSON, text may grow six times.
        let large = self.waiting.len() >= ROWS || size > 1 << 20;
        if large || self.sent.elapsed() > PAUSE {
            self.flush()?;
        }
        Ok(true)
    }
}
