//! The dbt template language: renders Jinja templates to text, and captures what they call.
//!
//! ```text
//! Source ──rewrite──▶ Rewritten ──MiniJinja──▶ text + SpanMap + Captures
//! ```
//!
//! - [`Jinja`]: start here; built once from the macro files, renders from many threads
//! - [`Globals`], [`NodeContext`], [`NameResolver`]: everything that a template can see
//! - [`Rendered`], [`Captures`], [`SpanMap`]: everything that a rendering produces
//!
//! Doesn't access tables, files, the environment or globals: everything is passed in by value. `function`
//! holds dbt's functions, `builtin` the built-in macros, `callable` macro calls, and `rewrite` the changes
//! that give templates dbt's meaning in `MiniJinja`.

mod block;
mod builtin;
mod callable;
mod captures;
mod context;
mod environment;
mod explain;
mod external_inputs;
mod fault;
mod filters;
mod function;
mod generic_test;
mod header;
mod lexer;
mod library;
mod macro_text;
mod message;
mod native;
mod number;
mod operand;
mod query;
mod renderer;
mod rendering;
mod rewrite;
mod scope;
mod span_map;
mod stitched;
mod template_file;
#[cfg(test)]
mod tests;
mod text_methods;
mod undefined;
mod value;

pub use self::{
    block::blocks,
    builtin::is_builtin,
    captures::{Captures, ChangesCall, RefCall, SourceCall, ref_target},
    context::{DBT_VERSION, Globals, GraphContext, NameResolver, NodeContext, Overrides},
    generic_test::GenericTest,
    library::missing_package,
    message::{MessageKind, MessageListener, TemplateMessage},
    query::{Answer, QueryAnswers, QueryColumn, QueryTable, QueryType, QueryValue, Question, RelationFacts},
    renderer::{Asking, Described, Jinja, Rendered},
    span_map::SpanMap,
};
