//! Tables: Parquet files that statements read by name.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::datasource::{
    file_format::parquet::ParquetFormat,
    listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
};
use headwater::probe::{Engine, EngineError, EngineSettings, Relation, Table, delta_schema};

/// An engine with tables declared, and their rows.
pub(crate) struct Prepared {
    pub(crate) engine: Engine,
    pub(crate) tables: BTreeMap<Relation, Table>,
}

impl Prepared {
    /// Creates an engine for this dialect and declares these Parquet files as tables.
    pub(crate) async fn new(dialect: &str, files: &BTreeMap<String, String>) -> Result<Self, EngineError> {
        let settings = EngineSettings {
            threads: 2,
            // A statement that needs more memory than a test should fails instead of exhausting the machine.
            memory_limit: Some(1 << 30),
            dialect: dialect.to_owned(),
            database: "memory".to_owned(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings)?;
        let mut tables = BTreeMap::new();
        for (name, path) in files {
            let table = parquet(&engine, path).await?;
            let relation = if let Some((schema, name)) = name.split_once('.') {
                Relation::new(schema, name)
            } else {
                let session = engine.session();
                Relation::new(session.config_options().catalog.default_schema.clone(), name.clone())
            };
            // Models see the types that the lake stores.
            let schema = delta_schema(&table.schema(), &[]).unwrap_or_else(|_| table.schema());
            engine.declare_table(&relation, schema)?;
            tables.insert(relation, table);
        }
        Ok(Self { engine, tables })
    }
}

async fn parquet(engine: &Engine, path: &str) -> Result<Table, EngineError> {
    let url = ListingTableUrl::parse(path)?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let session = engine.session();
    let schema = options.infer_schema(session.as_ref(), &url).await?;
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}
