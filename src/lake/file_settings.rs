//! Settings for the data files of a table: store, schema, partition columns, compression and sizes.

use std::{collections::HashMap, num::NonZeroU64};

use deltalake::{
    DeltaTableError,
    datafile::writer::WriterConfig,
    logstore::ObjectStoreRef,
    operations::get_num_idx_cols_and_stats_columns,
    parquet::{
        basic::{Compression, ZstdLevel},
        file::properties::WriterProperties,
    },
};

use crate::engine::arrow::datatypes::SchemaRef;

/// See the module documentation.
#[derive(Clone)]
pub(super) struct FileSettings {
    pub(super) store: ObjectStoreRef,
    pub(super) config: WriterConfig,
    pub(super) schema: SchemaRef,
    /// The positions of the partition columns.
    pub(super) partition_by: Vec<usize>,
}

impl FileSettings {
    pub(super) fn new(
        store: ObjectStoreRef,
        schema: SchemaRef,
        partition_by: &[String],
        target_size: Option<NonZeroU64>,
        row_group: usize,
    ) -> Result<Self, DeltaTableError> {
        let properties = WriterProperties::builder()
            .set_created_by(concat!("headwater ", env!("CARGO_PKG_VERSION")).to_owned())
            // Higher levels cost more time than they save space on columns that are already encoded.
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            // Small enough to prune and to read in parallel, large enough to compress well.
            .set_max_row_group_row_count(Some(128 * 1024))
            .set_max_row_group_bytes(Some(row_group))
            .build();
        let positions =
            partition_by.iter().map(|column| schema.index_of(column)).collect::<Result<_, _>>()?;
        let (indexed, listed) = get_num_idx_cols_and_stats_columns(None, HashMap::new());
        let size = target_size.or(NonZeroU64::new(100 << 20));
        let config = WriterConfig::new(
            schema.clone(),
            partition_by.to_vec(),
            Some(properties),
            size,
            Some(8192),
            indexed,
            listed,
        );
        Ok(Self { store, config, schema, partition_by: positions })
    }
}
