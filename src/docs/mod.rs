//! The documentation site: one self-contained page that describes a project and its tables.
//!
//! ```text
//! Known ─────────────▶ Site ────────────▶ Page ───────▶ index.html, optionally with parts
//!  manifest, lineage,   as the page        packed into
//!  the lake's facts     reads it           the front end
//! ```
//!
//! - [`site`]: the data model of the page; its counterpart in TypeScript is `site/src/data.ts`
//! - [`assemble`]: builds the data model; `detail` builds what only a node's own page shows
//! - [`page`]: packs the data into the page, which is built from `site/` at development time
//! - [`server`]: serves the page over HTTP
//! - `source_reference`: generates `docs/sources.md` from the code
//!
//! Doesn't run models or read tables. Start at [`Known::site`].

pub mod assemble;
mod detail;
pub mod page;
pub mod server;
pub mod site;
#[cfg(test)]
mod source_reference;

pub use self::{assemble::Known, page::Page, site::Site};
