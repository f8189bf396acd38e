//! Mapping from rendered text back to the template.

use std::ops::Range;

use crate::text::{Source, Span};

/// Maps each part of the rendered text to the part of the user's file that produced it.
#[derive(Debug, Clone)]
pub struct SpanMap {
    source: Source,
    /// The segments, in the order of the rendered text, without gaps.
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) rendered: Range<usize>,
    pub(super) source: Range<usize>,
    /// Whether the rendered text is a verbatim copy of the source, rather than the value of an expression.
    pub(super) raw: bool,
}

impl SpanMap {
    pub(super) fn new(source: Source, segments: Vec<Segment>) -> Self {
        Self { source, segments }
    }

    /// Returns the span in the user's file that produced a byte range of the rendered text.
    #[must_use]
    pub fn source_span(&self, rendered: Range<usize>) -> Span {
        let start = self.source_range(rendered.start);
        let last = rendered.end.saturating_sub(1).max(rendered.start);
        let end = self.source_range(last);
        let range = if rendered.is_empty() && start.raw { start.at..start.at } else { start.at..end.end };
        // Text from a later loop iteration can originate before that of the first.
        self.source.span(range.start.min(range.end)..range.end.max(range.start))
    }

    fn source_range(&self, at: usize) -> MappedRange {
        let after = self.segments.partition_point(|segment| segment.rendered.start <= at);
        let Some(segment) = self.segments.get(after.saturating_sub(1)) else {
            return MappedRange { at: 0, end: 0, raw: true };
        };
        if segment.raw {
            let at =
                (segment.source.start + at.saturating_sub(segment.rendered.start)).min(segment.source.end);
            MappedRange { at, end: (at + 1).min(segment.source.end), raw: true }
        } else {
            MappedRange { at: segment.source.start, end: segment.source.end, raw: false }
        }
    }
}

struct MappedRange {
    at: usize,
    end: usize,
    raw: bool,
}
