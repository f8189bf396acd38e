//! The types of the page's data in TypeScript, `site/src/data.ts`: generated from `site.rs`, so that the page
//! can't expect other data than it gets.
//!
//! A test compares the file with the generated text. `HEADWATER_WRITE_DOCS=1 cargo test --lib page_types`
//! writes it.

use std::fmt::Write as _;

use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};

use super::node::severity;
use crate::{
    engine::analyze::lineage::{ColumnUse, Derivation},
    manifest::TestSeverity,
    name::NodeKind,
    select::{TestKind, Vocabulary},
};

/// The text before the types.
const BEFORE: &str = "\
// Generated from src/docs/site.rs: HEADWATER_WRITE_DOCS=1 cargo test --lib page_types. Don't edit by hand.

/**
 * The data of the page.
 *
 * Nodes are named by their index in `Site.nodes`, and columns by their index in their node.
 */
";

/// Returns the values of a type that is a text in Rust, but only certain texts.
fn values(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "SiteKind" => NodeKind::ALL.map(NodeKind::as_str).to_vec(),
        "SiteDerivation" => {
            use Derivation::{Aggregated, Copied, Renamed, Transformed};
            [Copied, Renamed, Transformed, Aggregated].map(Derivation::word).to_vec()
        }
        "SiteColumnUse" => {
            use ColumnUse::{Condition, Filter, Group, Join, Order, Window};
            [Filter, Join, Group, Order, Window, Condition].map(ColumnUse::word).to_vec()
        }
        "SiteTestKind" => TestKind::ALL.map(TestKind::as_str).to_vec(),
        "SiteSeverity" => [TestSeverity::Error, TestSeverity::Warn].map(severity).to_vec(),
        "SiteMethod" => Vocabulary::new().methods.clone(),
        _ => return None,
    })
}

/// Returns the TypeScript of all public types of a source file.
fn types(source: &str) -> String {
    let mut written = BEFORE.to_owned();
    let mut between = "";
    for item in syn::parse_file(source).unwrap().items {
        match item {
            Item::Struct(item) => {
                let Fields::Named(fields) = &item.fields else { panic!("{} has no fields", item.ident) };
                let comment = doc(&item.attrs, "");
                // The first type is documented by the text before it.
                let comment = if between.is_empty() { String::new() } else { comment };
                let _ = writeln!(written, "{between}{comment}export interface {} {{", item.ident);
                for field in &fields.named {
                    let wire = WireField::of(&field.attrs);
                    if wire.is_left_out {
                        continue;
                    }
                    let name = wire.name.unwrap_or_else(|| field.ident.as_ref().unwrap().to_string());
                    let text = match generic(&field.ty) {
                        Some(("Option", of)) if wire.is_optional => of.into_iter().map(typescript).collect(),
                        _ => typescript(&field.ty),
                    };
                    let mark = if wire.is_optional { "?" } else { "" };
                    let _ = writeln!(written, "{}  {name}{mark}: {text};", doc(&field.attrs, "  "));
                }
                written.push_str("}\n");
            }
            Item::Type(item) => {
                let name = item.ident.to_string();
                let text = match values(&name) {
                    Some(values) => union(&values),
                    None => format!(" {}", typescript(&item.ty)),
                };
                let _ = writeln!(written, "{between}{}export type {name} ={text};", doc(&item.attrs, ""));
            }
            _ => continue,
        }
        between = "\n";
    }
    written
}

fn union(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    let line = quoted.join(" | ");
    if line.len() < 80 { format!(" {line}") } else { format!("\n  | {}", quoted.join("\n  | ")) }
}

/// A field as serde writes it.
#[derive(Default)]
struct WireField {
    name: Option<String>,
    is_optional: bool,
    is_left_out: bool,
}

impl WireField {
    fn of(attributes: &[Attribute]) -> Self {
        let mut field = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute
                .parse_nested_meta(|meta| {
                    match meta.path.require_ident()?.to_string().as_str() {
                        "rename" => field.name = Some(meta.value()?.parse::<syn::LitStr>()?.value()),
                        "skip_serializing_if" => {
                            meta.value()?.parse::<syn::LitStr>()?;
                            field.is_optional = true;
                        }
                        "skip" => field.is_left_out = true,
                        other => panic!("the page's types don't know serde's `{other}`"),
                    }
                    Ok(())
                })
                .unwrap();
        }
        field
    }
}

/// Returns the name of a type and its arguments: `Vec` and `String`.
fn generic(of: &Type) -> Option<(&'static str, Vec<&Type>)> {
    let Type::Path(path) = of else { return None };
    let last = path.path.segments.last()?;
    let name = ["Option", "Vec", "Map", "BTreeMap"].into_iter().find(|name| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    });
    Some((name, types.collect()))
}

fn typescript(of: &Type) -> String {
    if let Some((name, arguments)) = generic(of) {
        let arguments: Vec<String> = arguments.into_iter().map(typescript).collect();
        return match (name, arguments.as_slice()) {
            ("Option", [of]) => format!("{of} | null"),
            ("Vec", [of]) => format!("{of}[]"),
            ("Map" | "BTreeMap", [key, value]) => format!("Record<{key}, {value}>"),
            _ => panic!("the page's types don't know {name} of {} types", arguments.len()),
        };
    }
    match of {
        Type::Reference(of) => typescript(&of.elem),
        Type::Tuple(of) => {
            format!("[{}]", of.elems.iter().map(typescript).collect::<Vec<_>>().join(", "))
        }
        Type::Path(path) => match path.path.segments.last().unwrap().ident.to_string().as_str() {
            "String" | "str" => "string".to_owned(),
            "usize" | "u64" | "f64" => "number".to_owned(),
            "Value" => "unknown".to_owned(),
            own if own.starts_with("Site") => own.to_owned(),
            other => panic!("the page's types don't know `{other}`"),
        },
        _ => panic!("the page's types are paths, references and tuples"),
    }
}

/// Returns the documentation as a comment of TypeScript.
fn doc(attributes: &[Attribute], indent: &str) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(text) => match &text.lit {
                    Lit::Str(text) => Some(text.value().trim().replace("[`", "`").replace("`]", "`")),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let between = format!("\n{indent} * ");
            format!("{indent}/**{between}{}\n{indent} */\n", lines.join(&between))
        }
    }
}

#[test]
fn the_pages_types_are_those_of_the_site() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("site/src/data.ts");
    let types = types(include_str!("site.rs"));
    if std::env::var_os("HEADWATER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &types).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == types,
        "site/src/data.ts isn't what src/docs/site.rs says: HEADWATER_WRITE_DOCS=1 cargo test --lib page_types"
    );
}
