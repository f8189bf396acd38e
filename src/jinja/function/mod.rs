//! dbt's template functions, plus our own `changes`.
//!
//! Each is a [`TemplateFunction`], looked up by name in [`NAMES`]; the other files of this folder implement
//! them by subject. Functions affect only the rendering they belong to.

mod config;
mod convert;
mod datetime;
mod exceptions;
mod itertools;
mod namespace;
mod query;
mod reference;
mod regular;
mod template_function;
mod variables;

pub(super) use self::{
    namespace::{NAMES as NAMESPACES, Namespace, dispatched},
    template_function::{NAMES, TemplateFunction},
};
