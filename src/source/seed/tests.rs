//! Inspection of seed files, and checks that its results hold when the files are read.

use std::fs;

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    prelude::{SessionConfig, SessionContext},
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    engine::types::{data_type, type_name},
    source::{Drift, Identity, OnError, SourceSpec, provider::provider, state::state},
};

fn format() -> SeedFormat {
    let nulls = Nulls::new(&[String::new(), "null".to_owned()]);
    SeedFormat { delimiter: b',', quote: b'"', nulls }
}

fn said(faults: &SeedFaults, text: &str) -> String {
    let mut lines: Vec<String> = faults
        .told
        .iter()
        .map(|fault| {
            format!("{} {:?}: {}; {}", fault.code, &text[fault.at.clone()], fault.message, fault.cure)
        })
        .collect();
    if faults.more > 0 {
        lines.push(format!("and {} more", faults.more));
    }
    lines.join("\n")
}

/// Returns the columns with their types, or the faults.
fn looked(text: &str, declared: &[(usize, &str)]) -> String {
    let seen = header(text, &format()).and_then(|headings| {
        let mut types_of = vec![None; headings.len()];
        for (at, name) in declared {
            types_of[*at] = Some(data_type(name).unwrap());
        }
        Ok((headings, types(text, &format(), &types_of)?))
    });
    match seen {
        Ok((headings, types)) => {
            let columns = headings.iter().zip(&types);
            let columns = columns.map(|(heading, of)| format!("{} {}", heading.name, type_name(of)));
            columns.collect::<Vec<_>>().join(", ")
        }
        Err(faults) => said(&faults, text),
    }
}

#[test]
fn columns_are_named_and_typed_by_the_whole_file() {
    assert_eq!(looked("id,name\n1,a\n2,b\n", &[]), "id integer, name varchar");
    assert_eq!(looked("id,zip\n1,null\n,007\n", &[]), "id integer, zip varchar");
    assert_eq!(looked("a\r\n1\r\n2.5", &[]), "a double");
    assert_eq!(looked("a,b\n", &[(1, "date")]), "a integer, b date");
    assert_eq!(looked("\n größe , 名前\n1,\"x\ny\"\n\n2,\"\"\n", &[]), "größe integer, 名前 varchar");
    assert_eq!(looked("a,b\n1,\n2,null\n", &[]), "a integer, b integer");
    assert_eq!(looked("a,b\n\"1\",\"x, \"\"y\"\"\"\n", &[]), "a integer, b varchar");
    assert_eq!(looked("a,b\n1,2\n", &[(0, "varchar"), (1, "decimal(10,2)")]), "a varchar, b decimal(10, 2)");
}

#[test]
fn what_can_not_be_read_is_told_with_its_place_and_cure() {
    let said = [
        looked("", &[]),
        looked(" , b\n", &[]),
        looked("a,_source_row,A\n", &[]),
        looked("a,b\n1\n1,2\n1,2,3\n", &[]),
        looked("a,b\n1,\"x\n", &[]),
        looked("a,b\n1,\"x\"y\n", &[]),
        looked("a,b\n1,x\nn/a,y\nnull,z\n", &[(0, "integer")]),
        looked(&format!("a\n{}", "x\n".repeat(9)), &[(0, "date")]),
    ];
    insta::assert_snapshot!(said.join("\n--\n"));
}

fn spec(directory: &TempDir, text: &str, format: &SeedFormat) -> Result<SourceSpec, SeedFaults> {
    fs::write(directory.path().join("s.csv"), text).unwrap();
    let headings = header(text, format)?;
    let types = types(text, format, &vec![None; headings.len()])?;
    Ok(SourceSpec {
        name: "seed s".to_owned(),
        format: format.source(),
        location: "s.csv".to_owned(),
        base: directory.path().to_owned(),
        columns: headings.into_iter().map(|heading| heading.name).zip(types).collect(),
        text: crate::source::TextOptions::default(),
        on_error: OnError::Fail,
        identity: Identity::Content,
        drift: Drift::default(),
    })
}

/// Returns all rows of a seed's file, or the engine's error.
async fn rows(spec: &SourceSpec) -> Result<String, String> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let read = async {
        let table = provider(spec, &context.state(), None).await?;
        context.read_table(table)?.collect().await
    };
    let batches = read.await.map_err(|error| error.to_string())?;
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

#[tokio::test]
async fn null_is_what_is_said_to_be() {
    let directory = TempDir::new().unwrap();
    let text = "n,t\n1,\" NULL \"\n,\"\"\nna,x\n";
    let read = |nulls: &[&str]| {
        let nulls = Nulls::new(&nulls.iter().map(|null| (*null).to_owned()).collect::<Vec<_>>());
        let spec = spec(&directory, text, &SeedFormat { nulls, ..format() }).unwrap();
        async move { rows(&spec).await.unwrap() }
    };
    let (dbts, own) = (read(&["", "null"]).await, read(&["NA"]).await);
    insta::assert_snapshot!(format!("{dbts}\n{own}"));
}

#[tokio::test]
async fn numbers_that_are_not_finite_and_times_without_zeros_are_values() {
    let directory = TempDir::new().unwrap();
    let text = "n,t\n1.5,2022-02-01 2:20:51\nNaN,2022-2-1 02:20:51\n-inf,\"\"\n";
    let spec = spec(&directory, text, &format()).unwrap();
    insta::assert_snapshot!(rows(&spec).await.unwrap());
}

#[tokio::test]
async fn its_state_is_what_it_holds() {
    let directory = TempDir::new().unwrap();
    let session = SessionContext::new().state();
    let of = |text: &str| spec(&directory, text, &format()).unwrap();
    let first = of("a,b\n1,2\n");
    let one = state(&first, &session).await.unwrap();
    let path = directory.path().join("s.csv");
    fs::File::options().append(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(state(&first, &session).await.unwrap(), one);
    let mut typed = first;
    typed.columns[0].1 = DataType::Utf8View;
    assert_ne!(state(&typed, &session).await.unwrap(), one);
    assert_ne!(state(&of("a,b\n1,3\n"), &session).await.unwrap(), one);
    assert_eq!(state(&of("a,b\n1,2\n"), &session).await.unwrap(), one);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any file is either rejected by the inspection, or every row of it can be read.
    #[test]
    fn what_was_looked_through_can_be_read(
        text in "[ab],[cd]?(\r?\n(-?[0-9]{1,3}|0?[0-9.e-]{0,4}|true|NULL|2021-0[0-9]-[0-3][0-9]( 12:00(:00)?Z?)?|\"[a,\"\n]{0,4}\"|é?| ),?[0-9. -]{0,3}){0,6}(\n)?"
    ) {
        let directory = TempDir::new().unwrap();
        if let Ok(spec) = spec(&directory, &text, &format()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(rows(&spec));
            prop_assert!(read.is_ok(), "{:?}: {:?}", text, read);
        }
    }
}
