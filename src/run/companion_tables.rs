//! Companion tables: hold rows rejected by a model's sources or quarantined by its rules. They are written
//! together with the model's rows and published just before them, so that no row goes missing without a
//! record.

use std::sync::Arc;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::step_error::StepError;
use crate::{
    engine::{SchemaRef, SendableRecordBatchStream},
    lake::{Constraints, LakeError, LakeWriter, Provenance, Replaces, Staged, Write},
    name::Relation,
    source::{RejectSink, RejectStream},
};

pub(super) struct CompanionTable {
    pub(super) relation: Relation,
    pub(super) schema: SchemaRef,
    pub(super) rows: SendableRecordBatchStream,
    /// The table's description, for readers with other tools.
    pub(super) description: String,
    /// The rows that its rows replace.
    pub(super) replaces: Replaces,
}

/// The number of buffered rejects from which on readers wait for the writer.
const IN_FLIGHT: usize = 1024;

impl CompanionTable {
    /// Returns the table of rejects for a model, and the sink to which its readers report them.
    pub(super) fn rejects(relation: &Relation, node: &str) -> (Self, Arc<RejectSink>) {
        let (sink, stream) = RejectSink::new(IN_FLIGHT);
        let companion = Self {
            relation: relation.rejected(),
            schema: RejectStream::schema(),
            rows: stream.into_stream(),
            description: format!("Input that was set aside while {node} was built"),
            replaces: Replaces::Everything,
        };
        (companion, sink)
    }

    pub(super) async fn stage(
        self,
        writer: &LakeWriter,
        provenance: &Provenance,
        cancel: &CancellationToken,
    ) -> Result<Staged, LakeError> {
        let write = Write {
            replaces: self.replaces,
            schema: self.schema,
            partition_by: Vec::new(),
            provenance: provenance.clone(),
            description: Some(self.description),
            target_file_size: None,
            constraints: Constraints::default(),
            transaction: None,
            on_rows: Arc::new(|_| {}),
        };
        writer.stage(&self.relation, write, vec![self.rows], cancel).await
    }
}

/// Stages companion tables while `write` stages the model's own rows and returns them with more results. If
/// any of them fails, all are aborted.
pub(super) async fn stage_with<T>(
    companions: Vec<CompanionTable>,
    writer: &LakeWriter,
    provenance: &Provenance,
    cancel: &CancellationToken,
    write: impl Future<Output = Result<(Staged, T), StepError>>,
) -> Result<((Staged, T), Vec<Staged>), StepError> {
    let writing =
        join_all(companions.into_iter().map(|companion| companion.stage(writer, provenance, cancel)));
    let (own, companions) = tokio::join!(write, writing);
    let (mut staged, mut failure) = (Vec::new(), None);
    for companion in companions {
        match companion {
            Ok(companion) => staged.push(companion),
            Err(error) => failure = failure.or(Some(StepError::from(error))),
        }
    }
    let failure = match (own, failure) {
        (Ok(own), None) => return Ok((own, staged)),
        (Ok((own, _)), Some(failure)) => {
            staged.push(own);
            failure
        }
        // It names the cause.
        (Err(failure), _) => failure,
    };
    abort_all(staged).await;
    Err(failure)
}

/// Aborts all staged tables, even if some aborts fail. The error that led here is the one to report; files
/// that can't be removed now stay in the journal.
pub(super) async fn abort_all(staged: impl IntoIterator<Item = Staged>) {
    for one in staged {
        let relation = one.relation().clone();
        if let Err(error) = one.abort().await {
            tracing::warn!(
                "can't remove the files staged for {relation}: {error}; the next run removes them"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;
    use crate::{
        engine::{Engine, EngineSettings, exec::streams},
        lake::Lake,
        manifest::fingerprint::Fingerprint,
    };

    fn engine() -> Engine {
        let settings = EngineSettings {
            threads: 1,
            memory_limit: None,
            dialect: "duckdb".to_owned(),
            database: "lake".to_owned(),
            temp_dir: None,
        };
        Engine::new(&settings).unwrap()
    }

    fn files(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().is_file()).count()
    }

    /// The abort fails to remove a data file because a directory is in its place.
    #[tokio::test]
    async fn a_table_that_cant_be_removed_keeps_no_other_from_going() {
        let dir = tempfile::tempdir().unwrap();
        let session = engine().session();
        let lake = Lake::open("lake", dir.path(), BTreeMap::new(), session).unwrap();
        let writer = lake.writer("run");
        let provenance = Provenance::new("model.p.m", "run", Fingerprint::default(), BTreeMap::new());
        let mut staged = Vec::new();
        for name in ["one", "two", "three"] {
            let rows = streams::texts("name", &["a".to_owned()]).unwrap();
            let companion = CompanionTable {
                relation: Relation::new("raw", name),
                schema: rows.schema(),
                rows: streams::one_stream(rows),
                description: String::new(),
                replaces: Replaces::Everything,
            };
            staged.push(companion.stage(&writer, &provenance, &CancellationToken::new()).await.unwrap());
        }
        let tables = ["one", "two", "three"].map(|name| dir.path().join("lake/raw").join(name));
        let mut files_of_one = fs::read_dir(&tables[0]).unwrap().flatten().map(|entry| entry.path());
        let data = files_of_one.find(|path| path.extension().is_some_and(|kind| kind == "parquet")).unwrap();
        fs::remove_file(&data).unwrap();
        fs::create_dir_all(data.join("in the way")).unwrap();
        abort_all(staged).await;
        assert!(data.is_dir());
        assert_eq!([files(&tables[1]), files(&tables[2])], [0, 0]);
    }
}
