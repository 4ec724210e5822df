//! What the daemon and a child say to each other. The order is one line of JSON on the child's
//! standard input, which stays open: its end means that the daemon has gone. The answer is frames
//! on its standard output, each a letter, the length of what follows in four bytes, and that.

use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::super::{AnswerColumn, Cell, Question, StoreError};
use super::{Limits, Output};

/// No frame is longer: a child that says so has lost its mind.
pub(super) const MAX_FRAME: usize = 24 << 20;

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) copy: PathBuf,
    pub(super) sealed: PathBuf,
    /// The one place where it may write.
    pub(super) private: PathBuf,
    pub(super) question: Question,
    pub(super) output: Output,
    pub(super) max_bytes: u64,
    pub(super) limits: Limits,
}

#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    Columns(Vec<AnswerColumn>),
    Rows(Vec<Vec<Cell>>),
    Data(Vec<u8>),
    /// Rows so far.
    Progress(u64),
    End(End),
    Fault(Fault),
}

/// The answer is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub rows: u64,
    /// There were more than these.
    pub truncated: bool,
}

/// There is no answer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fault {
    Query(String),
    Limit(String),
    Timeout,
    Other(String),
}

impl Fault {
    pub(super) fn of(error: &StoreError) -> Fault {
        match error {
            StoreError::Query(text) => Fault::Query(text.clone()),
            StoreError::Mistake { message, .. } => Fault::Query(message.clone()),
            StoreError::Limit(text) => Fault::Limit(text.clone()),
            StoreError::Timeout(_) => Fault::Timeout,
            other => Fault::Other(other.to_string()),
        }
    }

    pub(super) fn into_error(self, limits: &Limits) -> StoreError {
        match self {
            Fault::Query(text) => StoreError::Query(text),
            Fault::Limit(text) => StoreError::Limit(text),
            Fault::Timeout => StoreError::Timeout(limits.wall),
            Fault::Other(text) => StoreError::Other(text),
        }
    }
}

impl Frame {
    /// Writes the frame at once.
    pub(super) fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        let (letter, body) = match self {
            Frame::Columns(columns) => (b'C', serde_json::to_vec(columns)?),
            Frame::Rows(rows) => (b'R', serde_json::to_vec(rows)?),
            Frame::Data(bytes) => return put(to, b'D', bytes),
            Frame::Progress(rows) => (b'P', rows.to_le_bytes().to_vec()),
            Frame::End(end) => (b'E', serde_json::to_vec(end)?),
            Frame::Fault(fault) => (b'F', serde_json::to_vec(fault)?),
        };
        put(to, letter, &body)
    }

    /// The next frame; `None` at the end.
    pub(super) async fn read(
        from: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<Option<Frame>> {
        let mut head = [0; 5];
        match from.read_exact(&mut head).await {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > MAX_FRAME {
            return Err(std::io::Error::other("a frame is too long"));
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).await?;
        Ok(Some(match head[0] {
            b'C' => Frame::Columns(serde_json::from_slice(&body)?),
            b'R' => Frame::Rows(serde_json::from_slice(&body)?),
            b'D' => Frame::Data(body),
            b'P' => Frame::Progress(u64::from_le_bytes(
                body.try_into()
                    .map_err(|_| std::io::Error::other("a count is eight bytes"))?,
            )),
            b'E' => Frame::End(serde_json::from_slice(&body)?),
            b'F' => Frame::Fault(serde_json::from_slice(&body)?),
            _ => return Err(std::io::Error::other("a frame of an unknown kind")),
        }))
    }
}

fn put(to: &mut impl Write, letter: u8, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
    let mut head = [letter, 0, 0, 0, 0];
    head[1..].copy_from_slice(&length.to_le_bytes());
    to.write_all(&head)?;
    to.write_all(body)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_arrive_as_they_were_sent() {
        let cells = vec![
            Cell::Null,
            Cell::Bool(true),
            Cell::Int(i128::MIN),
            Cell::Float(f64::NEG_INFINITY),
            Cell::Text("客户\n".into()),
            Cell::Time(-1),
            Cell::Date(3),
            Cell::Other("[1]".into()),
        ];
        let column = AnswerColumn {
            name: "a".into(),
            sql_type: "BIGINT".into(),
        };
        let frames = [
            Frame::Columns(vec![column]),
            Frame::Rows(vec![cells, Vec::new()]),
            Frame::Data(vec![0, 255]),
            Frame::Progress(u64::MAX),
            Frame::End(End {
                rows: 3,
                truncated: true,
            }),
            Frame::Fault(Fault::Query("no".into())),
        ];
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write(&mut bytes).unwrap();
        }
        let mut from = &bytes[..];
        for frame in frames {
            assert_eq!(Frame::read(&mut from).await.unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut from).await.unwrap(), None);
        assert!(Frame::read(&mut &b"D\xff\xff\xff\xff"[..]).await.is_err());
        assert!(Frame::read(&mut &b"?\0\0\0\0"[..]).await.is_err());
        assert!(Frame::read(&mut &b"E\x01\0\0\0x"[..]).await.is_err());
    }
}
