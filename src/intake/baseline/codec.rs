//! Baselines as bytes: compact, versioned, refused whole when anything is off.

use std::collections::HashMap;

use super::shape::counted;
use super::{BaseRow, Raw, RowKey, TargetBase, TargetKey};
use crate::counter::Moment;
use crate::reading::{Uptime, Way};
use crate::table::{self, Tables};

const MAGIC: &[u8; 8] = b"eiderbl1";

/// All targets.
pub(super) fn encode(targets: &HashMap<TargetKey, TargetBase>, tables: &Tables) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    out.u64(targets.len() as u64);
    for ((host, way), base) in targets {
        out.i64(i64::from(*host));
        out.text(&way.to_string());
        out.i64(base.ts);
        out.option(base.uptime_s, |out, s| out.i64(s));
        out.u64(base.boot);
        out.u8(u8::from(base.wraps));
        out.u64(base.tables.len() as u64);
        for (name, rows) in &base.tables {
            out.text(&signed(name, tables));
            out.u64(rows.len() as u64);
            for (key, row) in rows {
                out.row(key, row);
            }
        }
    }
    out.0
}

/// The targets again; their rows are marked as restored.
pub(super) fn decode(
    bytes: &[u8],
    tables: &Tables,
) -> Result<HashMap<TargetKey, TargetBase>, String> {
    let mut input = Reader(bytes);
    if input.take(MAGIC.len())? != MAGIC {
        return Err("not a file of counter baselines of this version".into());
    }
    let mut targets = HashMap::new();
    for _ in 0..input.u64()? {
        let host = input.host()?;
        let way = input.way()?;
        let mut base = TargetBase {
            ts: input.i64()?,
            uptime_s: input.option(Reader::i64)?,
            boot: input.u64()?,
            wraps: input.u8()? != 0,
            tables: HashMap::new(),
        };
        for _ in 0..input.u64()? {
            let name = input.text()?;
            let mut rows = HashMap::new();
            for _ in 0..input.u64()? {
                let (key, row) = input.row()?;
                rows.insert(key, row);
            }
            // Counters lie in the order of the table's columns: a profile may have changed them.
            let table = tables.find(name.split('#').next().unwrap_or(&name));
            if let Some(table) = table.filter(|table| signed(table.name, tables) == name) {
                base.tables.insert(table.name, rows);
            }
        }
        targets.insert((host, way), base);
    }
    if input.0.is_empty() {
        Ok(targets)
    } else {
        Err(format!("{} bytes too many", input.0.len()))
    }
}

/// The table's name; with one that a profile made, its counters behind.
fn signed(name: &str, tables: &Tables) -> String {
    let made = table::find(name)
        .is_none()
        .then(|| tables.find(name))
        .flatten();
    let Some(table) = made else {
        return name.to_owned();
    };
    let counters: Vec<&str> = counted(table).map(|(_, column)| column.name).collect();
    format!("{name}#{}", counters.join(","))
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, n: u8) {
        self.0.push(n);
    }

    fn u64(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn i64(&mut self, n: i64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn text(&mut self, s: &str) {
        self.u64(s.len() as u64);
        self.0.extend_from_slice(s.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn row(&mut self, key: &RowKey, row: &BaseRow) {
        self.i64(key.0);
        self.i64(key.1);
        self.u64(row.moment.read_at_ms);
        self.option(row.moment.uptime, |out, up| {
            out.u64(up.ms);
            out.u8(u8::from(up.wraps));
            out.u64(up.boot);
        });
        self.option(row.discontinuity, Writer::u64);
        self.option(row.up, |out, up| out.u8(u8::from(up)));
        self.u64(row.counters.len() as u64);
        for value in &row.counters {
            match value {
                Raw::Bits32(n) => {
                    self.u8(1);
                    self.u64(u64::from(*n));
                }
                Raw::Bits64(n) => {
                    self.u8(2);
                    self.u64(*n);
                }
                Raw::None => self.u8(0),
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        if n > self.0.len() {
            return Err("it ends too early".into());
        }
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u64(&mut self) -> Result<u64, String> {
        let bytes = self.take(8)?.try_into().map_err(|_| "it ends too early")?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn i64(&mut self) -> Result<i64, String> {
        Ok(self.u64()?.cast_signed())
    }

    fn host(&mut self) -> Result<i32, String> {
        i32::try_from(self.i64()?).map_err(|_| "a host id out of range".into())
    }

    fn text(&mut self) -> Result<String, String> {
        let length = usize::try_from(self.u64()?).map_err(|_| "a length out of range")?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| "text that is not UTF-8".into())
    }

    fn way(&mut self) -> Result<Way, String> {
        Way::parse(&self.text()?).ok_or_else(|| "an unknown method".into())
    }

    fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        Ok(if self.u8()? == 0 {
            None
        } else {
            Some(read(self)?)
        })
    }

    fn row(&mut self) -> Result<(RowKey, BaseRow), String> {
        let key = RowKey(self.i64()?, self.i64()?);
        let read_at_ms = self.u64()?;
        let uptime = self.option(|input| {
            Ok(Uptime {
                ms: input.u64()?,
                wraps: input.u8()? != 0,
                boot: input.u64()?,
            })
        })?;
        let discontinuity = self.option(Reader::u64)?;
        let up = self.option(|input| Ok(input.u8()? != 0))?;
        let mut counters = Vec::new();
        for _ in 0..self.u64()? {
            counters.push(match self.u8()? {
                1 => Raw::Bits32(self.u64()? as u32),
                2 => Raw::Bits64(self.u64()?),
                _ => Raw::None,
            });
        }
        let row = BaseRow {
            moment: Moment { read_at_ms, uptime },
            restored: true,
            discontinuity,
            zero_refused: false,
            up,
            counters: counters.into(),
        };
        Ok((key, row))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reading::Method;

    fn base() -> TargetBase {
        let row = BaseRow {
            moment: Moment {
                read_at_ms: 5,
                uptime: Some(Uptime {
                    ms: 7,
                    wraps: true,
                    boot: 9,
                }),
            },
            restored: true,
            discontinuity: Some(3),
            zero_refused: false,
            up: Some(false),
            counters: Box::new([Raw::Bits64(u64::MAX), Raw::None, Raw::Bits32(4)]),
        };
        TargetBase {
            ts: 1_700_000_000,
            uptime_s: Some(55),
            boot: 2,
            wraps: true,
            tables: HashMap::from([("interface", HashMap::from([(RowKey(4, 0), row)]))]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let tcp = Way::from_words("tcp", Some("443")).expect("a method");
        let targets = HashMap::from([
            ((3, Method::Snmp.into()), base()),
            ((4, tcp), TargetBase::default()),
        ]);
        assert_eq!(
            decode(&encode(&targets, &Tables::default()), &Tables::default()),
            Ok(targets)
        );
    }

    #[test]
    fn a_cut_file_is_refused_at_every_length() {
        let bytes = encode(
            &HashMap::from([((3, Method::Snmp.into()), base())]),
            &Tables::default(),
        );
        for length in 0..bytes.len() {
            assert!(
                decode(&bytes[..length], &Tables::default()).is_err(),
                "cut at {length}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn arbitrary_bytes_do_no_harm(mut tail in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = MAGIC.to_vec();
            bytes.append(&mut tail);
            let _ = decode(&bytes, &Tables::default());
        }
    }
}
