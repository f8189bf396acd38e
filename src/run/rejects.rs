//! What a step's sources set aside: a table beside the step's own, written while the step reads and published just
//! before it.

use std::{future::Future, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::step::StepError;
use crate::{
    engine::source::{RejectSink, RejectStream},
    lake::{Lake, Overwrite, Provenance, Staged},
    name::Relation,
    outcome::Rejected,
};

/// The channel from a step's sources to the table of what they set aside.
pub(super) struct Rejects {
    relation: Relation,
    sink: Arc<RejectSink>,
    stream: RejectStream,
}

/// What was set aside, staged.
pub(super) struct SetAside {
    relation: Relation,
    sink: Arc<RejectSink>,
    staged: Staged,
}

/// Rejects in flight before the readers wait for the writer.
const IN_FLIGHT: usize = 1024;

impl Rejects {
    /// The rejects of the model at `relation`: `<schema>.<name>_rejected`.
    pub(super) fn of(relation: &Relation) -> Self {
        let (sink, stream) = RejectSink::new(IN_FLIGHT);
        Self { relation: relation.rejected(), sink, stream }
    }

    pub(super) fn sink(&self) -> &Arc<RejectSink> {
        &self.sink
    }

    /// Stages the rejects while `write` stages the step's own rows. If either fails, neither leaves anything.
    pub(super) async fn beside(
        self,
        lake: &Lake,
        provenance: &Provenance,
        cancel: &CancellationToken,
        write: impl Future<Output = Result<Staged, StepError>>,
    ) -> Result<(Staged, SetAside), StepError> {
        let Self { relation, sink, stream } = self;
        let overwrite = Overwrite {
            schema: RejectStream::schema(),
            partition_by: Vec::new(),
            provenance: provenance.clone(),
            description: Some(format!("Input that was set aside while {} was built", provenance.node)),
            target_file_size: None,
            on_rows: Arc::new(|_| {}),
        };
        let reading = async {
            let result = write.await;
            sink.close();
            result
        };
        let setting_aside = lake.stage(&relation, overwrite, vec![stream.into_stream()], cancel);
        match tokio::join!(reading, setting_aside) {
            (Ok(staged), Ok(aside)) => Ok((staged, SetAside { relation, sink, staged: aside })),
            (Ok(staged), Err(error)) => {
                staged.abort().await?;
                Err(error.into())
            }
            (Err(error), Ok(aside)) => {
                aside.abort().await?;
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}

impl SetAside {
    /// Makes the rejects visible; says what there is to say of them, if anything.
    pub(super) async fn publish(self) -> Result<Option<Rejected>, StepError> {
        let counts = self.sink.counts();
        self.staged.publish().await?;
        let any = counts.rows + counts.files > 0;
        Ok(any.then_some(Rejected {
            rows: counts.rows,
            files: counts.files,
            relation: self.relation,
            sample: counts.sample,
        }))
    }
}
