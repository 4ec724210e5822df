//! Rows on their way into a table as whole columns: cell by cell DuckDB's Appender takes a lock for
//! each.

use std::sync::Arc;

use duckdb::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use duckdb::arrow::datatypes::{Field, Schema};
use duckdb::arrow::error::ArrowError;
use duckdb::arrow::record_batch::RecordBatch;
use duckdb::{Appender, Connection};

use super::StoreError;
use super::append::{Slot, appender};

/// So many rows are handed over at once, which bounds the memory for text.
const ROWS_AT_ONCE: usize = 8_192;

/// An Appender and the columns that it gets next.
pub(super) struct Columns<'c> {
    appender: Appender<'c>,
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
}

/// One column by how the table stores it.
enum Column {
    Int(Int64Builder),
    Small(Int32Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl<'c> Columns<'c> {
    /// For these columns of a raw table, by name and SQL type.
    pub(super) fn of(
        connection: &'c Connection,
        table: &str,
        columns: &[(&str, &str)],
    ) -> Result<Columns<'c>, StoreError> {
        Ok(Columns {
            appender: appender(connection, table, columns)?,
            names: columns.iter().map(|(name, _)| (*name).into()).collect(),
            columns: columns.iter().map(|(_, kind)| Column::of(kind)).collect(),
            rows: 0,
        })
    }

    /// Adds a row, a cell for each column.
    pub(super) fn put<'s>(
        &mut self,
        cells: impl IntoIterator<Item = Slot<'s>>,
    ) -> Result<(), StoreError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.rows += 1;
        if self.rows == ROWS_AT_ONCE {
            self.hand_over()?;
        }
        Ok(())
    }

    pub(super) fn flush(mut self) -> Result<(), StoreError> {
        self.hand_over()?;
        self.appender.flush().map_err(StoreError::from)
    }

    fn hand_over(&mut self) -> Result<(), StoreError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let batch = self.batch().map_err(|e| StoreError::Other(e.to_string()))?;
        self.appender
            .append_record_batch(batch)
            .map_err(StoreError::from)
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        let fields = self.names.iter().zip(&arrays);
        let fields: Vec<Field> = fields
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }
}

impl Column {
    fn of(sql_type: &str) -> Column {
        match sql_type {
            "INTEGER" => Column::Small(Int32Builder::new()),
            "DOUBLE" => Column::Float(Float64Builder::new()),
            "BOOLEAN" => Column::Bool(BooleanBuilder::new()),
            "VARCHAR" => Column::Text(StringBuilder::new()),
            "TIMESTAMPTZ" => Column::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            _ => Column::Int(Int64Builder::new()),
        }
    }

    /// NULL when the cell is of another type.
    fn push(&mut self, cell: Slot<'_>) {
        match (self, cell) {
            (Column::Int(column), Slot::Int(v)) => column.append_value(v),
            (Column::Int(column), _) => column.append_null(),
            (Column::Small(column), Slot::Small(v)) => column.append_value(v),
            (Column::Small(column), _) => column.append_null(),
            (Column::Float(column), Slot::Float(v)) => column.append_value(v),
            (Column::Float(column), _) => column.append_null(),
            (Column::Bool(column), Slot::Bool(v)) => column.append_value(v),
            (Column::Bool(column), _) => column.append_null(),
            (Column::Text(column), Slot::Text(v)) => column.append_value(v),
            (Column::Text(column), _) => column.append_null(),
            (Column::Time(column), Slot::Micros(v)) => column.append_value(v),
            (Column::Time(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Int(column) => Arc::new(column.finish()),
            Column::Small(column) => Arc::new(column.finish()),
            Column::Float(column) => Arc::new(column.finish()),
            Column::Bool(column) => Arc::new(column.finish()),
            Column::Text(column) => Arc::new(column.finish()),
            Column::Time(column) => Arc::new(column.finish()),
        }
    }
}
