//! Queries of templates: the questions of `run_query` and `{% call statement %}`, and the answers.
//!
//! Rendering never waits. A template that asks a question without an answer isn't rendered to its end: the
//! caller gets the question back, answers it, and renders the template again with one answer more. Templates
//! don't notice: messages are their only other side effect, and each message is sent once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, NaiveDate, Utc};

use crate::name::Relation;

/// A question of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The rows of this SQL.
    Query(String),
    /// The kind and the columns of a relation.
    Relation(Relation),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The rows of a query.
    Rows(QueryTable),
    /// A relation, or `None` if there is none of this name.
    Relation(Option<RelationFacts>),
}

/// A relation that exists, or that this run builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationFacts {
    /// True if it is a view.
    pub is_view: bool,
    /// The names and SQL types of its columns.
    pub columns: Vec<(String, String)>,
}

/// The answers to a template's questions so far, in the order of its calls.
#[derive(Debug, Clone, Default)]
pub struct QueryAnswers {
    given: Vec<(Question, Answer)>,
    /// The number of messages that were sent by earlier renderings.
    sent: Arc<AtomicUsize>,
}

impl QueryAnswers {
    /// Creates a list without answers; `sent` counts the messages of the node's earlier renderings.
    pub(super) fn new(sent: Arc<AtomicUsize>) -> Self {
        Self { given: Vec::new(), sent }
    }

    /// Adds the answer to the next question.
    pub fn push(&mut self, question: Question, answer: Answer) {
        self.given.push((question, answer));
    }

    /// Returns the number of answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.given.len()
    }

    /// Returns the relations that exist, of those that were asked about.
    pub fn found(&self) -> impl Iterator<Item = &Relation> {
        self.given.iter().filter_map(|given| match given {
            (Question::Relation(relation), Answer::Relation(Some(_))) => Some(relation),
            _ => None,
        })
    }

    /// Returns the answer to a rendering's question number `at`, counted from 0.
    pub(super) fn answer(&self, at: usize, question: &Question) -> Option<&Answer> {
        self.given.get(at).filter(|(asked, _)| asked == question).map(|(_, answer)| answer)
    }

    /// Returns whether a rendering's message number `count`, counted from 1, is sent for the first time.
    pub(super) fn is_new(&self, count: usize) -> bool {
        self.sent.fetch_max(count, Ordering::Relaxed) < count
    }
}

/// The rows of a query, small enough for a template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryTable {
    pub columns: Vec<QueryColumn>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<QueryValue>>,
}

/// A column of a [`QueryTable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryColumn {
    pub name: String,
    /// The type.
    pub data_type: QueryType,
}

/// A type of values, named as the table class of dbt names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryType {
    /// Whole numbers.
    Integer,
    /// Other numbers.
    Number,
    /// Calendar dates.
    Date,
    /// Points in time.
    DateTime,
    /// Truth values.
    Boolean,
    /// Text, and everything else as text.
    Text,
}

impl QueryType {
    /// Returns the name of the class.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "Integer",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Boolean => "Boolean",
            Self::Text => "Text",
        }
    }
}

/// A value of a [`QueryTable`].
#[derive(Debug, Clone, PartialEq)]
pub enum QueryValue {
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Another number.
    Number(f64),
    Date(NaiveDate),
    /// A point in time, which prints its time zone or doesn't.
    DateTime {
        /// The time in UTC.
        at: DateTime<Utc>,
        /// True if the column's type has a time zone.
        has_zone: bool,
    },
    Text(String),
}
