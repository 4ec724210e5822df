//! Baselines as bytes: compact, versioned, refused whole when anything is off.

use std::collections::HashMap;

use super::rows::{Packed, Rows};
use super::shape::counted;
use super::{BaseRow, RowKey, TargetBase, TargetKey};
use crate::counter::Moment;
use crate::reading::{Uptime, Way};
use crate::table::{self, Tables};

const MAGIC: &[u8; 8] = b"eiderbl2";

/// Pieces of at least this many octets are handed over.
const PIECE: usize = 64 << 10;

/// All targets, piece by piece: of a large fleet the whole is tens of megabytes.
pub(super) fn encode<E>(
    targets: &HashMap<TargetKey, TargetBase>,
    tables: &Tables,
    mut write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut out = Writer(MAGIC.to_vec());
    out.u64(targets.len() as u64);
    for (key, base) in targets {
        out.target(key, base, tables);
        if out.0.len() >= PIECE {
            write(&out.0)?;
            out.0.clear();
        }
    }
    write(&out.0)
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
            tables: Vec::new(),
        };
        for _ in 0..input.u64()? {
            let name = input.text()?;
            let mut moment = None;
            let rows = (0..input.u64()?).map(|_| input.row(&mut moment));
            let rows: Rows = rows.collect::<Result<_, _>>()?;
            // Counters lie in the order of the table's columns: a profile may have changed them.
            let table = tables.find(name.split('#').next().unwrap_or(&name));
            if let Some(table) = table.filter(|table| signed(table.name, tables) == name) {
                base.tables.push((table.name, rows));
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

    fn target(&mut self, (host, way): &TargetKey, base: &TargetBase, tables: &Tables) {
        self.i64(i64::from(*host));
        self.text(&way.to_string());
        self.i64(base.ts);
        self.option(base.uptime_s, |out, s| out.i64(s));
        self.u64(base.boot);
        self.u8(u8::from(base.wraps));
        self.u64(base.tables.len() as u64);
        for (name, rows) in &base.tables {
            self.text(&signed(name, tables));
            self.u64(rows.len() as u64);
            let mut moment = None;
            for row in rows.iter() {
                self.row(row, moment == Some(row.moment));
                moment = Some(row.moment);
            }
        }
    }

    /// Nearly all rows of a table are of the same moment as the one before.
    fn row(&mut self, row: &BaseRow, same_moment: bool) {
        self.i64(row.key.0);
        self.i64(row.key.1);
        self.option((!same_moment).then_some(row.moment), |out, moment| {
            out.u64(moment.read_at_ms);
            out.option(moment.uptime, |out, up| {
                out.u64(up.ms);
                out.u8(u8::from(up.wraps));
                out.u64(up.boot);
            });
        });
        self.option(row.discontinuity, Writer::u64);
        self.option(row.up, |out, up| out.u8(u8::from(up)));
        let words = row.counters.words();
        self.u64(words.len() as u64);
        words.iter().for_each(|word| self.u64(*word));
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

    fn row(&mut self, moment: &mut Option<Moment>) -> Result<BaseRow, String> {
        let key = RowKey(self.i64()?, self.i64()?);
        let own = self.option(Reader::moment)?;
        let moment = *moment.insert(own.or(*moment).ok_or("a row without a time")?);
        let discontinuity = self.option(Reader::u64)?;
        let up = self.option(|input| Ok(input.u8()? != 0))?;
        let words: Vec<u64> = (0..self.u64()?)
            .map(|_| self.u64())
            .collect::<Result<_, _>>()?;
        Ok(BaseRow {
            key,
            moment,
            discontinuity,
            counters: Packed::of(&words),
            restored: true,
            zero_refused: false,
            up,
        })
    }

    fn moment(&mut self) -> Result<Moment, String> {
        Ok(Moment {
            read_at_ms: self.u64()?,
            uptime: self.option(|input| {
                Ok(Uptime {
                    ms: input.u64()?,
                    wraps: input.u8()? != 0,
                    boot: input.u64()?,
                })
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::intake::baseline::rows::{Raw, pack};
    use crate::reading::Method;

    fn row(entity: i64, read_at_ms: u64) -> BaseRow {
        let mut words = Vec::new();
        pack(
            [Raw::Bits64(u64::MAX), Raw::None, Raw::Bits32(4)].into_iter(),
            &mut words,
        );
        BaseRow {
            key: RowKey(entity, 0),
            moment: Moment {
                read_at_ms,
                uptime: Some(Uptime {
                    ms: 7,
                    wraps: true,
                    boot: 9,
                }),
            },
            discontinuity: Some(3),
            counters: Packed::of(&words),
            restored: true,
            zero_refused: false,
            up: Some(false),
        }
    }

    fn base() -> TargetBase {
        let rows = [row(4, 5), row(5, 5), row(6, 2)].into_iter().collect();
        TargetBase {
            ts: 1_700_000_000,
            uptime_s: Some(55),
            boot: 2,
            wraps: true,
            tables: vec![("interface", rows)],
        }
    }

    fn bytes(targets: &HashMap<TargetKey, TargetBase>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = encode(targets, &Tables::default(), |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), ()>(())
        });
        assert_eq!(written, Ok(()));
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let tcp = Way::from_words("tcp", Some("443")).expect("a method");
        let targets: HashMap<_, _> = (0..2_000)
            .map(|host| ((host, Method::Snmp.into()), base()))
            .chain([((4, tcp), TargetBase::default())])
            .collect();
        let bytes = bytes(&targets);
        assert!(bytes.len() > PIECE);
        assert_eq!(decode(&bytes, &Tables::default()), Ok(targets));
    }

    #[test]
    fn a_cut_file_is_refused_at_every_length() {
        let bytes = bytes(&HashMap::from([((3, Method::Snmp.into()), base())]));
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
