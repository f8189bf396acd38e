//! Parquet and Avro: DataFusion's own readers over the files of a source, cast to the declared types.
//!
//! What is not declared is taken as the files have it. A value that can't be cast fails the query: these formats
//! are typed, so it is the declaration that is wrong, not a row.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    catalog::{Session, TableProvider},
    common::ScalarValue,
    datasource::{
        file_format::{FileFormat, avro::AvroFormat, parquet::ParquetFormat},
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder},
        table_schema::TableSchema,
    },
    error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, Literal, cast},
    },
    physical_plan::{ExecutionPlan, projection::ProjectionExec},
};
use futures::future;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as StorePath};

use super::{
    files::{Place, SourceFile},
    spec::{SOURCE_FILE, SOURCE_ROW, SourceFormat, SourceSpec, schema},
};

/// The table of a source of Parquet or Avro files.
pub(super) async fn table(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let declared = schema(spec)?;
    if declared.index_of(SOURCE_ROW).is_ok() {
        let message = format!("{}: `{SOURCE_ROW}` can't be had of Parquet and Avro files", spec.name);
        return Err(DataFusionError::Plan(message));
    }
    let format: Arc<dyn FileFormat> = match spec.format {
        SourceFormat::Avro => Arc::new(AvroFormat),
        _ => Arc::new(ParquetFormat::default().with_options(session.table_options().parquet.clone())),
    };
    let (url, store) = store(&files, session)?;
    let metas = future::try_join_all(files.iter().map(|file| meta(file, &store))).await?;
    let inferred = format
        .infer_schema(session, &store, &metas)
        .await
        .map_err(|error| error.context(spec.name.clone()))?;
    let mut fields: Vec<Arc<Field>> = declared.fields().to_vec();
    let known = fields.iter().filter(|field| inferred.index_of(field.name()).is_ok()).count();
    let wanted = fields.iter().filter(|field| field.name() != SOURCE_FILE).count();
    if wanted > 0 && known == 0 {
        let found =
            inferred.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        let message =
            format!("{}: the files have none of the declared columns; they have {found}", spec.name);
        return Err(DataFusionError::Plan(message));
    }
    fields.extend(inferred.fields().iter().filter(|field| declared.index_of(field.name()).is_err()).cloned());
    let files = files.into_iter().zip(metas).map(|(file, meta)| (file.name, meta)).collect();
    Ok(Arc::new(ColumnarTable { schema: Arc::new(Schema::new(fields)), inferred, format, url, files }))
}

fn store(
    files: &[SourceFile],
    session: &dyn Session,
) -> Result<(ObjectStoreUrl, Arc<dyn ObjectStore>), DataFusionError> {
    if let Some(Place::Remote { url, store, .. }) = files.first().map(|file| &file.place) {
        return Ok((url.clone(), Arc::clone(store)));
    }
    let url = ObjectStoreUrl::local_filesystem();
    let store = session.runtime_env().object_store(&url)?;
    Ok((url, store))
}

async fn meta(file: &SourceFile, store: &Arc<dyn ObjectStore>) -> Result<ObjectMeta, DataFusionError> {
    match &file.place {
        Place::Remote { meta, .. } => Ok(meta.as_ref().clone()),
        Place::Local(path) => {
            let path = StorePath::from_absolute_path(path)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(store.head(&path).await?)
        }
    }
}

#[derive(Debug)]
struct ColumnarTable {
    /// What the table gives: declared columns, then the others of the files.
    schema: SchemaRef,
    /// What the files have.
    inferred: SchemaRef,
    format: Arc<dyn FileFormat>,
    url: ObjectStoreUrl,
    files: Vec<(Arc<str>, ObjectMeta)>,
}

/// The expression over a scan of the files that gives a column of the table.
fn column(field: &Field, scanned: &Schema) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let Ok(at) = scanned.index_of(field.name()) else {
        return Ok(Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)));
    };
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), at));
    if scanned.field(at).data_type() == field.data_type() {
        return Ok(column);
    }
    cast(column, scanned, field.data_type().clone())
}

#[async_trait]
impl TableProvider for ColumnarTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The filter stays above the scan; DataFusion's optimizer takes it down into Parquet's statistics.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let wanted = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        // The file's name travels as DataFusion lets values of a path travel: as a partition column.
        let name = Arc::new(Field::new(SOURCE_FILE, DataType::Utf8View, true));
        let source = self.format.file_source(
            TableSchema::builder(Arc::clone(&self.inferred)).with_table_partition_cols(vec![name]).build(),
        );
        let all = source.table_schema().table_schema();
        let needed = wanted.fields().iter().filter_map(|field| all.index_of(field.name()).ok()).collect();
        let files = self.files.iter().map(|(name, meta)| {
            let mut file = PartitionedFile::from(meta.clone());
            file.partition_values = vec![ScalarValue::Utf8View(Some(name.to_string()))];
            file
        });
        let groups = FileGroup::new(files.collect()).split_files(session.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.url.clone(), source)
            .with_file_groups(groups)
            .with_projection_indices(Some(needed))?
            .with_limit(limit.filter(|_| filters.is_empty()))
            .build();
        let scan = self.format.create_physical_plan(session, config).await?;
        let scanned = scan.schema();
        let columns =
            wanted.fields().iter().map(|field| Ok((column(field, &scanned)?, field.name().clone())));
        let columns = columns.collect::<Result<Vec<_>, DataFusionError>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, scan)?))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::util::pretty::pretty_format_batches, dataframe::DataFrameWriteOptions, prelude::SessionContext,
    };
    use tempfile::TempDir;

    use super::*;
    use crate::engine::source::{Identity, OnError, data_type, provider};

    #[tokio::test]
    async fn declared_types_win_over_those_of_parquet_files() {
        let directory = TempDir::new().unwrap();
        let context = SessionContext::new();
        for (file, sql) in [
            ("a", "select '7' as n, 1.5 as v, timestamp '2021-01-01 00:00:00' as at"),
            ("b", "select '8' as n, 2.5 as v, timestamp '2021-01-02 00:00:00' as at"),
        ] {
            let path = directory.path().join("data").join(file).with_extension("parquet");
            let frame = context.sql(sql).await.unwrap();
            frame.write_parquet(path.to_str().unwrap(), DataFrameWriteOptions::new(), None).await.unwrap();
        }
        let columns =
            [("n", "bigint"), ("_source_file", "varchar"), ("missing", "date"), ("at", "timestamptz")];
        let mut spec = SourceSpec {
            identity: Identity::Stamp,
            name: "files.p".to_owned(),
            format: SourceFormat::Parquet,
            location: "data/*.parquet".to_owned(),
            base: directory.path().to_owned(),
            columns: columns.map(|(name, sql)| (name.to_owned(), data_type(sql).unwrap())).to_vec(),
            text: crate::engine::source::TextOptions::default(),
            on_error: OnError::SetAside,
        };
        let table = provider(&spec, &context.state(), None).await.unwrap();
        context.register_table("t", table).unwrap();
        let show = async |sql: &str| {
            pretty_format_batches(&context.sql(sql).await.unwrap().collect().await.unwrap())
                .unwrap()
                .to_string()
        };
        insta::assert_snapshot!(show("select * from t order by n").await);
        insta::assert_snapshot!(show("select v, _source_file from t where n = 8").await);
        insta::assert_snapshot!(show("select count(*) as n from t").await);
        spec.columns = vec![("x".to_owned(), DataType::Int64)];
        let error = provider(&spec, &context.state(), None).await.unwrap_err().to_string();
        insta::assert_snapshot!(error, @"Error during planning: files.p: the files have none of the declared columns; they have n, v, at");
        spec.columns = vec![(SOURCE_ROW.to_owned(), DataType::Int64)];
        let error = provider(&spec, &context.state(), None).await.unwrap_err().to_string();
        insta::assert_snapshot!(error, @"Error during planning: files.p: `_source_row` can't be had of Parquet and Avro files");
    }
}
