//! DuckDB's values as ours, and ours as DuckDB's parameters.

use duckdb::core::{LogicalTypeHandle, LogicalTypeId};
use duckdb::types::{ToSql, ToSqlOutput, Value as Owned, ValueRef};

use super::Cell;

/// Whether [`read`] takes the type as it comes; every other type is to be cast to VARCHAR first.
pub(super) fn is_plain(id: LogicalTypeId) -> bool {
    use LogicalTypeId as T;
    matches!(
        id,
        T::Boolean
            | T::Tinyint
            | T::Smallint
            | T::Integer
            | T::Bigint
            | T::UTinyint
            | T::USmallint
            | T::UInteger
            | T::UBigint
            | T::Hugeint
            | T::Float
            | T::Double
            | T::Varchar
            | T::Enum
            | T::Uuid
            | T::Decimal
            | T::Date
            | T::TimestampTZ
            | T::SqlNull
    )
}

/// DuckDB's name of a plain type.
pub(super) fn type_name(handle: &LogicalTypeHandle, id: LogicalTypeId) -> String {
    use LogicalTypeId as T;
    let name = match id {
        T::Boolean => "BOOLEAN",
        T::Tinyint => "TINYINT",
        T::Smallint => "SMALLINT",
        T::Integer => "INTEGER",
        T::Bigint => "BIGINT",
        T::UTinyint => "UTINYINT",
        T::USmallint => "USMALLINT",
        T::UInteger => "UINTEGER",
        T::UBigint => "UBIGINT",
        T::Hugeint => "HUGEINT",
        T::Float => "FLOAT",
        T::Double => "DOUBLE",
        T::Varchar => "VARCHAR",
        T::Enum => "ENUM",
        T::Uuid => "UUID",
        T::Date => "DATE",
        T::TimestampTZ => "TIMESTAMP WITH TIME ZONE",
        T::SqlNull => "NULL",
        T::Decimal => {
            return format!(
                "DECIMAL({},{})",
                handle.decimal_width(),
                handle.decimal_scale()
            );
        }
        _ => "VARCHAR",
    };
    name.to_owned()
}

/// One value of a column of a plain type; `other`: it was cast to VARCHAR to be read.
pub(super) fn read(value: ValueRef<'_>, id: LogicalTypeId, other: bool) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Boolean(v) => Cell::Bool(v),
        ValueRef::TinyInt(v) => Cell::Int(v.into()),
        ValueRef::SmallInt(v) => Cell::Int(v.into()),
        ValueRef::Int(v) => Cell::Int(v.into()),
        ValueRef::BigInt(v) => Cell::Int(v.into()),
        ValueRef::HugeInt(v) => Cell::Int(v),
        ValueRef::UTinyInt(v) => Cell::Int(v.into()),
        ValueRef::USmallInt(v) => Cell::Int(v.into()),
        ValueRef::UInt(v) => Cell::Int(v.into()),
        ValueRef::UBigInt(v) => Cell::Int(v.into()),
        ValueRef::Float(v) => Cell::Float(v.into()),
        ValueRef::Double(v) => Cell::Float(v),
        ValueRef::Decimal(v) => Cell::Other(v.to_string()),
        ValueRef::Timestamp(unit, v) => match v {
            i64::MAX => Cell::Other("infinity".into()),
            v if v <= -i64::MAX => Cell::Other("-infinity".into()),
            v => Cell::Time(unit.to_micros(v)),
        },
        ValueRef::Date32(i32::MAX) => Cell::Other("infinity".into()),
        ValueRef::Date32(v) if v <= -i32::MAX => Cell::Other("-infinity".into()),
        ValueRef::Date32(v) => Cell::Date(v),
        ValueRef::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            if other || id == LogicalTypeId::Uuid {
                Cell::Other(text)
            } else {
                Cell::Text(text)
            }
        }
        ValueRef::Enum(..) => Cell::Text(value.as_str().unwrap_or_default().to_owned()),
        _ => Cell::Null,
    }
}

/// A parameter as it is bound; see `cast` for what the SQL does with it.
impl ToSql for Cell {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Cell::Bool(v) => ToSqlOutput::Borrowed(ValueRef::Boolean(*v)),
            Cell::Int(v) => ToSqlOutput::Borrowed(match i64::try_from(*v) {
                Ok(v) => ValueRef::BigInt(v),
                Err(_) => ValueRef::HugeInt(*v),
            }),
            Cell::Float(v) => ToSqlOutput::Borrowed(ValueRef::Double(*v)),
            Cell::Text(v) | Cell::Other(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Cell::Time(micros) => ToSqlOutput::Owned(Owned::Text(instant(*micros))),
            Cell::Date(days) => ToSqlOutput::Borrowed(ValueRef::Date32(*days)),
        })
    }
}

/// The type that a parameter of this kind is cast to in the SQL.
pub(super) fn cast(cell: &Cell) -> Option<&'static str> {
    match cell {
        Cell::Time(_) => Some("TIMESTAMPTZ"),
        Cell::Other(_) => Some("INTERVAL"),
        _ => None,
    }
}

/// The cell as a constant of SQL.
pub(super) fn constant(cell: &Cell) -> String {
    let quoted = |text: &str| super::schema::literal(text);
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => format!("CAST('{value}' AS DOUBLE)"),
        Cell::Text(text) => quoted(text),
        Cell::Time(micros) => format!("CAST('{}' AS TIMESTAMPTZ)", instant(*micros)),
        Cell::Date(days) => format!("(DATE '1970-01-01' + {days})"),
        Cell::Other(text) => format!("CAST({} AS INTERVAL)", quoted(text)),
    }
}

/// The instant as DuckDB reads it in any time zone: `2026-11-23 10:00:00.000000+00`.
fn instant(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros);
    let at = at.unwrap_or(if micros < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    });
    at.strftime("%Y-%m-%d %H:%M:%S.%6f+00").to_string()
}

/// The approximate size of a cell in memory, in bytes.
pub(super) fn size(cell: &Cell) -> usize {
    size_of::<Cell>()
        + match cell {
            Cell::Text(text) | Cell::Other(text) => text.len(),
            _ => 0,
        }
}
