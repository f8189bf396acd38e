//! The source reference, `docs/sources.md`: its tables are generated from the code, so they can't contradict
//! it.
//!
//! A test compares the page with the generated one. `HEADWATER_WRITE_DOCS=1 cargo test --lib
//! source_reference` writes it.

use std::fmt::Write as _;

use crate::project::{SOURCE_OPTIONS, SourceFormatName};

/// The text before the formats.
const BEFORE: &str = "\
<!-- Made from the code by `HEADWATER_WRITE_DOCS=1 cargo test --lib source_reference`. Don't edit by hand. -->
# Sources

A source is a table that others write: files, a table of an SQLite database, or a Delta table. It is
declared in `sources.yml`, or in any YAML file below the model paths:

```yaml
sources:
  - name: shop
    tables:
      - name: orders
        external:
          location: data/orders/*.csv   # a file, a folder, a pattern or a URL
          delimiter: \";\"                # options are next to the location, or below `options:`
        columns:
          - {name: id, data_type: bigint}
          - {name: ordered_at, data_type: timestamp}
```

Models read it with `{{ source('shop', 'orders') }}`. Without `external:` it is a Delta table in the lake.
If a seed or model of the project builds that table, it is built first.

## Locations

`location` is a path relative to the project's folder, an absolute path, or the URL of an object store. Of a
folder all files with an extension of the format are read, those in folders below it too. Files that are
left out because of their extension are a warning that names them; files whose names begin with `.` or `_`
belong to other tools and aren't mentioned. A pattern (`*`, `**`, `?`, `[…]`) reads exactly what matches,
whatever the extension.

A location that leads to nothing is an error before anything runs, at its line, with the near names.
So is one with a password, in a URL or as `user:password@host`: give credentials as `storage_options` of the
target. A file whose name looks like that can be read with a pattern (`?` for the colon).

## Locations of dbt-duckdb

`external_location` in `meta:` or `config:` of a source or its table is read as `external:`, with the placeholders
`{name}`, `{identifier}`, `{schema}` and those of `meta:`, in the notation that `formatter` names (`newstyle`, `oldstyle`, `template`):

```yaml
sources:
  - name: raw
    config: {external_location: \"read_csv('raw/{name}.csv', delim = ';')\"}
    tables: [{name: orders}, {name: items}]
```

It is a path or one call of `read_csv`, `read_json`, `read_ndjson` (also with `_auto`), `read_parquet`, `delta_scan`
or `sqlite_scan`. Options that have no equivalent, such as `skip`, are errors that name the cure. Models
can't call these functions themselves: a file that isn't a source would be an input that no run knows of.

## Formats

| `format` | extensions | what it is |
|---|---|---|
";

/// The text between the formats and the options.
const BETWEEN: &str = "
`format` may be left out where the extension of `location` says it. Text files (`csv`, `json`, `ndjson`) may
be compressed; then `.gz`, `.zst`, `.bz2` or `.xz` follows the extension, and compressed and plain files may
lie in one folder. A compressed file that is cut or corrupt is set aside whole. A line of a file of JSON lines that isn't
valid JSON is rejected alone, the last one of a file that is cut included, unless objects of the file extend over lines.

So is a Parquet file whose footer or pages can't be decoded, and an Avro file with a block that is cut, can't be
decompressed, doesn't hold the rows that it should, or doesn't end with the file's sync marker. For that each
Avro file is read through before its rows are used. One that was cut exactly between two blocks can't be distinguished
from a whole one with fewer rows: Avro has no count of them.

## Options

An option that doesn't exist, doesn't apply to the format or has a wrong value is an error at its place.

| option | formats | values | default | what it does |
|---|---|---|---|---|
";

/// The text after the options.
const AFTER: &str = "
## Which files are read

- A folder is read with all folders in it, except files and folders whose names begin with `.` or `_`. Links are
  followed; a broken link, or a link to a folder above it, is an error that names it.
- Only regular files are read. A pipe, a device or a socket is set aside in `<table>_rejected`.
- A file's name may hold any bytes. A byte that isn't UTF-8 is written `\\xFF` in `_source_file` and in the ledger,
  and the backslash of a name that contains such a text itself is written `\\x5C`. Parquet and Avro files with
  such names are set aside.

## How text is written

What isn't declared is detected, for each file separately:

- **Encoding:** UTF-8, with or without a byte order mark, and UTF-16 with one. Anything else is declared by
  `encoding`; bytes that aren't text of the encoding set the file aside. Places in files that are compressed
  or not in UTF-8 are counted in the UTF-8 text.
- **Lines** end in a line feed, with or without a carriage return before it, or (in CSV) in a carriage
  return alone. The last line needs no end. Empty lines count for nothing where there is more than one
  column.
- **NUL** is a character like others in text, and no part of a number, date or boolean.
- **JSON:** a document of pandas' orient `split`, an array of objects, an object a line, or a single object,
  which may go over many lines. Objects whose declared columns are called `columns` or `data` are never
  taken for `split`.
- **CSV:** the delimiter is the one under which the first record names the most declared columns; if it
  names none, the one under which most of the first 20 records have as many fields as there are declared
  columns. There is no header if the first record names no column and is a row of the declared types.
  Apostrophes are quotes only if names or records would be torn without them. Fields follow RFC 4180; an
  empty field without quotes is NULL, and `\"\"` is an empty text.

What is declared and can't be right sets the file aside with what would be: a `delimiter` under which no
declared column is found though another leads to some, `header: true` over rows of data, `header: false`
over a header.

## Columns

| `data_type` | values |
|---|---|
| `varchar`, `text`, `string` | text as it is; numbers, arrays and objects of JSON keep their text |
| `boolean` | `true`, `t`, `yes`, `y`, `1` and their opposites, in any case |
| `tinyint`, `smallint`, `integer`, `bigint` | whole numbers within the range |
| `real`, `double` | finite numbers |
| `decimal(precision, scale)` | rounded half away from zero |
| `date` | `2021-01-31` or `2021-1-31`, or a timestamp at midnight |
| `timestamp`, `timestamptz` | ISO 8601, or numbers in `date_unit`; without a zone it is UTC |
| `blob` | bytes |
| `json` | text that is JSON: a value of a JSON document, or a text that is a JSON value |
| `struct(name type, …)` | an object of these fields; one that isn't declared doesn't fit, one that is missing is NULL |
| `list(type)`, `type[]` | an array |
| `map(varchar, type)` | an object of any keys, none of them twice |

A value that doesn't fit sets its row aside; nothing is cut, wrapped or made NULL, but for an empty cell of CSV
in a column that isn't text. JSON's `null` is NULL in every column. In CSV, `json`, structs,
lists and maps are read from the JSON text of a cell. `_source_file` and `_source_row` are supplied by the
reader if they are listed.

### Columns that are left out

A text source that lists no `columns:` with a `data_type` gets the columns that its files have; names without types
only carry tests and descriptions, as in dbt. In a list with types, a column without one is `varchar`, and Parquet,
Avro and SQLite keep their own types. Folders such as `day=2021-01-31` give columns, too. Each column gets the narrowest type that holds every value: `bigint`, `double`, `decimal`
where a double would lose digits, `date`, `timestamp`, `timestamptz` (if any value has a zone), `boolean`,
`varchar`; in JSON also structs and lists, and `json` where values have nothing in common or objects more
than 200 fields. Numbers with leading zeros are text, and so are the strings of JSON unless all of them are
dates or timestamps. CSV without a header has `column0`, `column1`, ….

Parquet and Avro files say the types themselves; of dictionaries (categoricals of pandas) it is that of their
values. Folders give columns here, too, typed as above.

Up to 8 MB, every row is looked at. Of more files a sample is taken that is spread over all of them (a 32nd
of the bytes, and at least 8 MB), and the first load holds every row to it: where a value or a column says
otherwise, nothing of it is published, all files are looked at, and the build goes on with what they have.
A value contradicts the sample if it would have given its column another type: `00123` or `1e3` in a column of
whole numbers, a longer fraction, a time with a zone where none had one, a string among JSON's numbers.

The first `build` records what was found in the lake (`_headwater/sources/`), and from then on it is as good
as declared: files that come later are held to it. A value that would have made its column another type sets
its row aside; it is never changed to look like the others, as under a declared type. The record is valid until \
        `format`, `location` or a reading option changes. A record that is damaged fails the nodes that read the source: restore it from a
copy, or remove it, and the next build finds the columns again.

`headwater source columns shop.orders` prints the columns that its files have now as YAML, with nulls,
distinct values and examples of each; `--record` records them. `headwater source columns data/orders/*.csv`
does the same for files that aren't declared yet.
";

/// Renders the page.
fn page() -> String {
    let mut page = BEFORE.to_owned();
    for format in SourceFormatName::ALL {
        let (extensions, what) = described(format);
        let _ = writeln!(page, "| `{}` | {extensions} | {what} |", format.as_str());
    }
    page.push_str(BETWEEN);
    for option in SOURCE_OPTIONS {
        let formats: Vec<&str> = option.formats.iter().map(|format| format.as_str()).collect();
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {}. |",
            option.name,
            formats.join(", "),
            cell(&option.values.describe()),
            cell(option.default),
            cell(option.doc)
        );
    }
    page.push_str(AFTER);
    page
}

fn described(format: SourceFormatName) -> (&'static str, &'static str) {
    match format {
        SourceFormatName::Json => (".json (.jsonl, .ndjson)", "JSON documents of any of the shapes below"),
        SourceFormatName::Ndjson => (".ndjson, .jsonl (.json)", "one JSON object a line"),
        SourceFormatName::Csv => (".csv, .tsv (.txt)", "separated values"),
        SourceFormatName::Parquet => (".parquet, .pq", "Apache Parquet"),
        SourceFormatName::Delta => ("", "a Delta table outside of the lake; `location` is its folder"),
        SourceFormatName::Avro => (".avro", "Apache Avro"),
        SourceFormatName::Sqlite => (".db, .sqlite, .sqlite3", "a table or view of an SQLite database"),
    }
}

#[test]
fn the_page_is_what_the_code_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources.md");
    if std::env::var_os("HEADWATER_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/sources.md isn't what the code says: HEADWATER_WRITE_DOCS=1 cargo test --lib source_reference"
    );
}
