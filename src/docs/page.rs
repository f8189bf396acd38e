//! Page packing: embeds a site's data in the page as compressed JSON, or writes it to separate parts.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use super::site::{PART, Site};
use crate::{local_file, secret::scrubbed_artifact};

/// The page template, built from `site/`, without data.
const TEMPLATE: &str = include_str!("../../site/dist/index.html");

/// The placeholder for the data.
const DATA: &str = "<!--headwater:data-->";

/// The placeholder for the title.
const TITLE: &str = "<!--headwater:title-->";

/// The folder of the parts, relative to the page.
const PARTS: &str = "parts";

/// The files of a site: their names relative to its folder, and their contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The files; `index.html` is first.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Page {
    /// Packs a site into a single page or, if `split`, into a page that loads node details from separate
    /// parts on demand. Both also work from a local disk.
    ///
    /// # Errors
    /// If the site can't be serialized as JSON, which never happens in practice.
    pub fn new(site: &Site, split: bool) -> io::Result<Self> {
        let parts = site.details.chunks(PART).map(packed).collect::<io::Result<Vec<_>>>()?;
        let mut data = element("site", &packed(site)?);
        let mut files = Vec::new();
        if split {
            for (number, part) in parts.iter().enumerate() {
                let call = format!("{}\"{part}\");\n", call(number));
                files.push((format!("{PARTS}/{number}.js"), call.into_bytes()));
            }
        } else {
            for (number, part) in parts.iter().enumerate() {
                data.push_str(&element(&format!("part-{number}"), part));
            }
        }
        let page = TEMPLATE.replacen(TITLE, &escaped(&site.project), 1).replacen(DATA, &data, 1);
        files.insert(0, ("index.html".to_owned(), page.into_bytes()));
        Ok(Self { files })
    }

    /// Removes leftover parts of an older, larger site, and leaves all other files alone.
    ///
    /// # Errors
    /// If a part can't be removed.
    pub fn remove_older(&self, folder: &Path) -> io::Result<()> {
        for number in self.files.len().saturating_sub(1).. {
            let file = folder.join(PARTS).join(format!("{number}.js"));
            match local_file::read(&file) {
                Ok(text) if text.starts_with(call(number).as_bytes()) => fs::remove_file(&file)?,
                // Headwater didn't write it.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(local_file::unread(&file, &error)),
            }
        }
        // Ignore the error if the folder doesn't exist or contains other files.
        let _ = fs::remove_dir(folder.join(PARTS));
        Ok(())
    }
}

/// Returns the beginning of a part's file.
fn call(number: usize) -> String {
    format!("headwater.part({number},")
}

/// Serializes a value to JSON, compresses it with gzip, and encodes it as Base64.
fn packed(value: &(impl Serialize + ?Sized)) -> io::Result<String> {
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(scrubbed_artifact(&serde_json::to_string(value)?).as_bytes())?;
    Ok(STANDARD.encode(zipped.finish()?))
}

fn element(id: &str, text: &str) -> String {
    format!("<script type=\"application/gzip\" id=\"{id}\">{text}</script>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::docs::site::{SiteDetail, SiteSelection};

    fn site(nodes: usize) -> Site {
        Site {
            project: "a<b".to_owned(),
            generated_at: String::new(),
            tool_version: "0",
            target: "dev".to_owned(),
            overview: String::new(),
            vars: Map::new(),
            last_run: None,
            nodes: Vec::new(),
            macros: Vec::new(),
            groups: Vec::new(),
            selection: SiteSelection::default(),
            part: PART,
            details: vec![SiteDetail::default(); nodes],
        }
    }

    fn names(page: &Page) -> Vec<&str> {
        page.files.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn the_page_holds_everything_or_has_its_parts_beside_it() {
        let whole = Page::new(&site(PART + 1), false).unwrap();
        assert_eq!(names(&whole), ["index.html"]);
        let text = String::from_utf8(whole.files[0].1.clone()).unwrap();
        assert!(text.contains("<title>a&lt;b</title>"));
        assert!(text.contains("id=\"part-1\"") && !text.contains(DATA) && !text.contains(TITLE));
        let split = Page::new(&site(PART + 1), true).unwrap();
        assert_eq!(names(&split), ["index.html", "parts/0.js", "parts/1.js"]);
    }

    #[test]
    fn parts_that_are_left_over_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let page = Page::new(&site(1), true).unwrap();
        page.remove_older(folder.path()).unwrap();
        let parts = folder.path().join(PARTS);
        fs::create_dir(&parts).unwrap();
        for (name, text) in [
            ("0.js", "headwater.part(0,\"\");"),
            ("1.js", "headwater.part(1,\"\");"),
            ("2.js", "alert(2);"),
            ("3.js", "headwater.part(3,\"\");"),
            ("mine.js", ""),
        ] {
            fs::write(parts.join(name), text).unwrap();
        }
        page.remove_older(folder.path()).unwrap();
        let left = |name: &str| parts.join(name).exists();
        let names = ["0.js", "1.js", "2.js", "3.js", "mine.js"];
        assert_eq!(names.map(left), [true, false, true, false, true]);
        fs::remove_file(parts.join("mine.js")).unwrap();
        fs::remove_file(parts.join("2.js")).unwrap();
        Page::new(&site(1), false).unwrap().remove_older(folder.path()).unwrap();
        assert!(!parts.exists());
    }
}
