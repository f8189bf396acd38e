//! The documentation site: what a project is and what its tables are, as one page that needs nothing but itself.
//!
//! ```text
//! Known ─────────────▶ Site ────────────▶ Page ───────▶ index.html, or that and its parts
//!  manifest, lineage,   as the page        packed into
//!  the lake's facts     reads it           the front end
//! ```
//!
//! - [`site`]: what the page reads; its twin in TypeScript is `site/src/data.ts`
//! - [`assemble`]: what is known, put into that form; `detail`: of that, what only a node's own page shows
//! - [`page`]: the form packed into the page; the page itself is built from `site/` at development time
//! - [`server`]: the page over HTTP
//! - `source_reference`: `docs/sources.md`, made from the code
//!
//! Runs no model and reads no table. Start at [`Known::site`].

pub mod assemble;
mod detail;
pub mod page;
pub mod server;
pub mod site;
#[cfg(test)]
mod source_reference;

pub use self::{assemble::Known, page::Page, site::Site};
