//! Row quarantine: removes rows that break a rule while they stream to a model's table. Such rows are
//! quarantined in a separate stream, or dropped and counted.
//!
//! The stream of quarantined rows is bounded, so it must be drained concurrently with the kept ones. It ends
//! when all of those have ended. If its receiver is dropped, the kept streams go on without waiting.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, StringArray},
        compute::{filter_record_batch, not, or},
        datatypes::{DataType, Field, Schema},
    },
    error::Result,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use super::{
    rule::{CompiledRules, RowRule},
    test_query::in_types_of,
};
use crate::engine::{Engine, RecordBatch, SchemaRef, SendableRecordBatchStream, Streams, plan::joins::Joins};

/// A rule and the action for rows that break it.
#[derive(Debug, Clone)]
pub struct EnforcedRule {
    /// The name of the rule in the quarantine table.
    pub name: String,
    /// The rule about the model's own table.
    pub rule: RowRule,
    /// The action for these rows. A row that breaks several rules is quarantined if any of them says so.
    pub then: OnBroken,
}

/// The action for rows that break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBroken {
    /// Keep them in the quarantine table.
    Quarantine,
    /// Drop them.
    Drop,
}

/// Streams split by rules.
pub struct SplitStreams {
    /// The rows that break no rule.
    pub kept: Streams,
    /// The quarantined rows: the table's columns, then `_rule` and `_run_id`.
    pub quarantined: SendableRecordBatchStream,
    /// The numbers of rows that break the rules, complete once the streams have ended.
    pub counts: Arc<RemovedRows>,
}

/// The numbers of removed rows.
#[derive(Debug, Default)]
pub struct RemovedRows {
    rules: Vec<AtomicU64>,
    quarantined: AtomicU64,
    dropped: AtomicU64,
}

impl RemovedRows {
    /// Returns the number of rows that break a rule, given by its index.
    #[must_use]
    pub fn of(&self, rule: usize) -> u64 {
        self.rules.get(rule).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Returns the number of quarantined rows.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// Returns the number of dropped rows.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The number of quarantined batches that may wait for the receiver.
const IN_FLIGHT: usize = 8;

impl Engine {
    /// Removes rows that break a rule from a model's streams. `table` has the columns of the model's table,
    /// which the rules refer to. The streams have columns of the same names, in the query's types and order.
    pub fn split(
        &self,
        streams: Streams,
        rules: &[EnforcedRule],
        table: &SchemaRef,
        run_id: &str,
    ) -> Result<SplitStreams> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let compiled =
            CompiledRules::new(rules.iter().map(|rule| &rule.rule), table, self.planner(Joins::Hash))?;
        let counts = Arc::new(RemovedRows {
            rules: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            ..RemovedRows::default()
        });
        let quarantined = quarantine_schema(table);
        let sieve = Arc::new(Sieve {
            rules: rules.to_vec(),
            compiled,
            table: Arc::clone(table),
            quarantined: Arc::clone(&quarantined),
            run_id: run_id.to_owned(),
            counts: Arc::clone(&counts),
        });
        let kept = streams.into_iter().map(|rows| sieved(rows, Arc::clone(&sieve), sender.clone())).collect();
        let rows = stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|batch| (Ok(batch), receiver))
        });
        Ok(SplitStreams {
            kept,
            quarantined: Box::pin(RecordBatchStreamAdapter::new(quarantined, rows)),
            counts,
        })
    }
}

fn quarantine_schema(table: &SchemaRef) -> SchemaRef {
    let added = ["_rule", "_run_id"].map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
    Arc::new(Schema::new(table.fields().iter().cloned().chain(added).collect::<Vec<_>>()))
}

fn sieved(
    rows: SendableRecordBatchStream,
    sieve: Arc<Sieve>,
    sender: mpsc::Sender<RecordBatch>,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let kept = rows.then(move |batch| {
        let (sieve, sender) = (Arc::clone(&sieve), sender.clone());
        async move {
            let (kept, quarantined) = sieve.apply(batch?)?;
            if let Some(quarantined) = quarantined {
                // The receiver may have failed; it reports its own error.
                let _ = sender.send(quarantined).await;
            }
            Ok(kept)
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, kept))
}

/// Rules compiled for evaluation on batches.
struct Sieve {
    rules: Vec<EnforcedRule>,
    compiled: CompiledRules,
    table: SchemaRef,
    quarantined: SchemaRef,
    run_id: String,
    counts: Arc<RemovedRows>,
}

impl Sieve {
    /// Returns the rows to keep, and those to quarantine if there are any.
    fn apply(&self, batch: RecordBatch) -> Result<(RecordBatch, Option<RecordBatch>)> {
        if batch.num_rows() == 0 {
            return Ok((batch, None));
        }
        let stored = in_types_of(&batch, &self.table)?;
        let masks = self.compiled.masks(&stored)?;
        for (mask, count) in masks.iter().zip(&self.counts.rules) {
            count.fetch_add(mask.true_count() as u64, Ordering::Relaxed);
        }
        let any = |then: Option<OnBroken>| -> Result<BooleanArray> {
            let chosen =
                self.rules.iter().zip(&masks).filter(|(rule, _)| then.is_none_or(|it| it == rule.then));
            let none = BooleanArray::from(vec![false; stored.num_rows()]);
            chosen.map(|(_, mask)| mask).try_fold(none, |all, mask| Ok(or(&all, mask)?))
        };
        let out = any(None)?;
        if out.true_count() == 0 {
            return Ok((batch, None));
        }
        let chosen = any(Some(OnBroken::Quarantine))?;
        let count = chosen.true_count() as u64;
        self.counts.quarantined.fetch_add(count, Ordering::Relaxed);
        self.counts.dropped.fetch_add(out.true_count() as u64 - count, Ordering::Relaxed);
        let kept = filter_record_batch(&batch, &not(&out)?)?;
        let quarantined = (count > 0).then(|| self.with_rule_names(&stored, &chosen, &masks)).transpose()?;
        Ok((kept, quarantined))
    }

    /// Returns the quarantined rows with the rules that they break.
    fn with_rule_names(
        &self,
        stored: &RecordBatch,
        chosen: &BooleanArray,
        masks: &[BooleanArray],
    ) -> Result<RecordBatch> {
        let names = (0..stored.num_rows()).filter(|row| chosen.value(*row)).map(|row| {
            let broken = self.rules.iter().zip(masks).filter(|(_, mask)| mask.value(row));
            broken.map(|(rule, _)| rule.name.as_str()).collect::<Vec<_>>().join(", ")
        });
        let names: StringArray = names.map(Some).collect();
        let run: StringArray = std::iter::repeat_n(Some(self.run_id.as_str()), names.len()).collect();
        let mut columns = filter_record_batch(stored, chosen)?.columns().to_vec();
        columns.extend([Arc::new(names) as ArrayRef, Arc::new(run)]);
        Ok(RecordBatch::try_new(Arc::clone(&self.quarantined), columns)?)
    }
}
