//! The documentation site: one self-contained page that describes a project and its tables.
//!
//! ```text
//! SiteInputs ────────▶ Site ────────────▶ Page ───────▶ index.html, optionally with parts
//!  manifest, lineage,   as the page        packed into
//!  the lake's facts     reads it           the front end
//! ```
//!
//! - [`site`]: the data model of the page; `page_types` generates its counterpart in
//!   TypeScript, `site/src/data.ts`
//! - [`inputs`]: everything known about the project
//! - `assemble`: builds the data model from an `assembly` of inputs; `node` builds the nodes of lists and
//!   graphs, `node_detail` what only a node's own page shows
//! - [`page`]: packs the data into the page, which is built from `site/` at development time
//! - [`server`]: serves the page over HTTP
//! - `key_reference`: generates `docs/keys.md` from the table of keys
//! - `source_reference`: generates `docs/sources.md` from the code
//!
//! Doesn't run models or read tables. Start at [`SiteInputs::site`].

mod assemble;
mod assembly;
pub mod inputs;
#[cfg(test)]
mod key_reference;
mod node;
mod node_detail;
pub mod page;
#[cfg(test)]
mod page_types;
pub mod server;
pub mod site;
#[cfg(test)]
mod source_reference;

pub use self::{inputs::SiteInputs, page::Page};
