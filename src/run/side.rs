//! Tables beside a model's own: what its sources set aside, and what its rules took out. They are written while the
//! model's rows are, and become visible just before them, so that nothing is missing from a table untold.

use std::sync::Arc;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::worker::StepError;
use crate::{
    engine::{
        SchemaRef, SendableRecordBatchStream,
        source::{RejectSink, RejectStream},
    },
    lake::{Constraints, Lake, Provenance, Replaces, Staged, Write},
    name::Relation,
};

/// A table that is written beside another.
pub(super) struct Side {
    pub(super) relation: Relation,
    pub(super) schema: SchemaRef,
    pub(super) rows: SendableRecordBatchStream,
    /// What it is, for those who look at it with other tools.
    pub(super) description: String,
    /// What its rows take the place of.
    pub(super) replaces: Replaces,
}

/// Rejects in flight before the readers wait for the writer.
const IN_FLIGHT: usize = 1024;

impl Side {
    /// The table of what a model's sources set aside, and where its readers report that.
    pub(super) fn rejects(relation: &Relation, node: &str) -> (Self, Arc<RejectSink>) {
        let (sink, stream) = RejectSink::new(IN_FLIGHT);
        let side = Self {
            relation: relation.rejected(),
            schema: RejectStream::schema(),
            rows: stream.into_stream(),
            description: format!("Input that was set aside while {node} was built"),
            replaces: Replaces::Everything,
        };
        (side, sink)
    }

    pub(super) async fn stage(
        self,
        lake: &Lake,
        provenance: &Provenance,
        cancel: &CancellationToken,
    ) -> Result<Staged, StepError> {
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
        Ok(lake.stage(&self.relation, write, vec![self.rows], cancel).await?)
    }
}

/// Stages the side tables while `write` stages the model's own rows, of which it may say more. If any fails, none leaves
/// anything.
pub(super) async fn beside<T>(
    sides: Vec<Side>,
    lake: &Lake,
    provenance: &Provenance,
    cancel: &CancellationToken,
    write: impl Future<Output = Result<(Staged, T), StepError>>,
) -> Result<((Staged, T), Vec<Staged>), StepError> {
    let writing = join_all(sides.into_iter().map(|side| side.stage(lake, provenance, cancel)));
    let (own, sides) = tokio::join!(write, writing);
    let (mut staged, mut failure) = (Vec::new(), None);
    for side in sides {
        match side {
            Ok(side) => staged.push(side),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    // The model's own failure says why.
    let (own, failure) = match own {
        Ok(own) => (Some(own), failure),
        Err(error) => (None, Some(error)),
    };
    match (own, failure) {
        (Some(own), None) => Ok((own, staged)),
        (own, failure) => {
            for one in own.map(|(own, _)| own).into_iter().chain(staged) {
                one.abort().await?;
            }
            Err(failure.unwrap_or_else(|| StepError::Lost("what was staged".into())))
        }
    }
}
