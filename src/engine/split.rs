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
    Engine, RecordBatch, SchemaRef, SendableRecordBatchStream, Streams,
    audit::in_types_of,
    execute::Joins,
    rule::{Asked, RowRule},
};

/// A rule and the action for rows that break it.
#[derive(Debug, Clone)]
pub struct Rule {
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
    SetAside,
    /// Drop them.
    Drop,
}

/// Streams split by rules.
pub struct Split {
    /// The rows that break no rule.
    pub kept: Streams,
    /// The quarantined rows: the table's columns, then `_rule` and `_run_id`.
    pub aside: SendableRecordBatchStream,
    /// The numbers of rows that break the rules, complete once the streams have ended.
    pub counts: Arc<Counts>,
}

/// The numbers of removed rows.
#[derive(Debug, Default)]
pub struct Counts {
    rules: Vec<AtomicU64>,
    set_aside: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    /// Returns the number of rows that break a rule, given by its index.
    #[must_use]
    pub fn of(&self, rule: usize) -> u64 {
        self.rules.get(rule).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Returns the number of quarantined rows.
    #[must_use]
    pub fn set_aside(&self) -> u64 {
        self.set_aside.load(Ordering::Relaxed)
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
    pub fn split(&self, streams: Streams, rules: &[Rule], table: &SchemaRef, run_id: &str) -> Result<Split> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let asked = Asked::new(rules.iter().map(|rule| &rule.rule), table, self.planner(Joins::Hash))?;
        let counts = Arc::new(Counts {
            rules: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            ..Counts::default()
        });
        let aside = with_columns(table);
        let sieve = Arc::new(Sieve {
            rules: rules.to_vec(),
            asked,
            table: Arc::clone(table),
            aside: Arc::clone(&aside),
            run_id: run_id.to_owned(),
            counts: Arc::clone(&counts),
        });
        let kept = streams.into_iter().map(|rows| sieved(rows, Arc::clone(&sieve), sender.clone())).collect();
        let rows = stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|batch| (Ok(batch), receiver))
        });
        Ok(Split { kept, aside: Box::pin(RecordBatchStreamAdapter::new(aside, rows)), counts })
    }
}

fn with_columns(table: &SchemaRef) -> SchemaRef {
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
            let (kept, aside) = sieve.apply(batch?)?;
            if let Some(aside) = aside {
                // The receiver may have failed; it reports its own error.
                let _ = sender.send(aside).await;
            }
            Ok(kept)
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, kept))
}

/// Rules compiled for evaluation on batches.
struct Sieve {
    rules: Vec<Rule>,
    asked: Asked,
    table: SchemaRef,
    aside: SchemaRef,
    run_id: String,
    counts: Arc<Counts>,
}

impl Sieve {
    /// Returns the rows to keep, and those to quarantine if there are any.
    fn apply(&self, batch: RecordBatch) -> Result<(RecordBatch, Option<RecordBatch>)> {
        if batch.num_rows() == 0 {
            return Ok((batch, None));
        }
        let stored = in_types_of(&batch, &self.table)?;
        let masks = self.asked.masks(&stored)?;
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
        let aside = any(Some(OnBroken::SetAside))?;
        let set_aside = aside.true_count() as u64;
        self.counts.set_aside.fetch_add(set_aside, Ordering::Relaxed);
        self.counts.dropped.fetch_add(out.true_count() as u64 - set_aside, Ordering::Relaxed);
        let kept = filter_record_batch(&batch, &not(&out)?)?;
        let aside = (set_aside > 0).then(|| self.told_apart(&stored, &aside, &masks)).transpose()?;
        Ok((kept, aside))
    }

    /// Returns the quarantined rows with the rules that they break.
    fn told_apart(
        &self,
        stored: &RecordBatch,
        aside: &BooleanArray,
        masks: &[BooleanArray],
    ) -> Result<RecordBatch> {
        let names = (0..stored.num_rows()).filter(|row| aside.value(*row)).map(|row| {
            let broken = self.rules.iter().zip(masks).filter(|(_, mask)| mask.value(row));
            broken.map(|(rule, _)| rule.name.as_str()).collect::<Vec<_>>().join(", ")
        });
        let names: StringArray = names.map(Some).collect();
        let run: StringArray = std::iter::repeat_n(Some(self.run_id.as_str()), names.len()).collect();
        let mut columns = filter_record_batch(stored, aside)?.columns().to_vec();
        columns.extend([Arc::new(names) as ArrayRef, Arc::new(run)]);
        Ok(RecordBatch::try_new(Arc::clone(&self.aside), columns)?)
    }
}
