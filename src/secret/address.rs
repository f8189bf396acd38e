//! Addresses: finds passwords, tokens and signatures in them.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::scrub::hide;

/// Matches the beginning of a URL; `https:` may lack its slashes.
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:https?:/*|[a-z][\w+.-]*://)").expect("a constant pattern"));

/// Matches `;token=`, `&sig=` or `SharedAccessKey=`, before the value.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let after_separator = r"(?:[?&;#]|%3F|%26|%3B|%23)\s*[\w.%-]*(?:sig|signature|token|passw(?:or)?d|pwd|passphrase|secret|credentials?|(?:access|account|api|private|secret)[_-]?key)";
    let anywhere = r"\b(?:SharedAccess(?:Key|Signature)|AccountKey)";
    Regex::new(&format!(r"(?i)(?:{after_separator}|{anywhere})\s*(?:=|%3D)")).expect("a constant pattern")
});

/// Matches `user:password@` without a scheme, at the beginning of a word or a quotation, also behind `//` or
/// `../`. Two colons are a cast of SQL.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?mi)(?:^|["'`\s])(?:\.{0,2}[/\\])*([\w.+-]*(?::|%3A)[^\s/\\"'`:][^\s/\\"'`]*)(?:@|%40)"#)
        .expect("a constant pattern")
});

/// Same as [`BARE`] for a text that is one address: its password may contain spaces and quotation marks.
static LONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:\.{0,2}[/\\])*([^/\\:@]*(?::|%3A)[^/\\]+)(?:@|%40)").expect("a constant pattern")
});

/// The extent of an address in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The text is an address, or quotes one: only its end or a quotation mark ends it.
    Whole,
    /// The text is a sentence: a space ends an address.
    Word,
}

/// Returns whether an address contains a password, a token or a signature.
#[must_use]
pub fn has_credentials(address: &str) -> bool {
    !in_address(address).is_empty()
}

/// Hides the passwords, tokens and signatures of an address in all later output.
pub fn hide_credentials(address: &str) {
    for range in in_address(address) {
        let secret = &address[range];
        hide(secret);
        // `user:password`, or `name=value&name=value`.
        for colon in [":", "%3A", "%3a"] {
            secret.split_once(colon).into_iter().for_each(|(_, password)| hide(password));
        }
        secret.split(['&', ';']).filter_map(|part| part.split_once('=')).for_each(|(_, value)| hide(value));
    }
}

/// Replaces each byte of the passwords, tokens and signatures in a sentence's addresses with `*`.
#[must_use]
pub fn concealed(text: &str) -> String {
    starred(text, Extent::Word)
}

/// Same as [`concealed`] for lines of a file, where addresses may contain spaces.
#[must_use]
pub fn concealed_source(text: &str) -> String {
    starred(text, Extent::Whole)
}

/// Keeps the number of bytes, so that positions in the text stay valid.
fn starred(text: &str, extent: Extent) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in found(text, extent) {
        bytes[range].fill(b'*');
    }
    // Ranges begin and end between characters.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Returns the ranges of credentials in a text that is one address.
fn in_address(address: &str) -> Vec<Range<usize>> {
    let mut ranges = found(address, Extent::Whole);
    ranges.extend(LONE.captures(address).and_then(|found| found.get(1)).map(|user| user.range()));
    ranges
}

/// Returns the ranges of credentials.
fn found(text: &str, extent: Extent) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut quoted: Vec<Range<usize>> = Vec::new();
    for scheme in SCHEME.find_iter(text) {
        let quote = text[..scheme.start()].chars().next_back().filter(|before| is_quote(*before));
        let rest = &text[scheme.end()..];
        let end =
            rest.find(|letter| quote.map_or_else(|| ends(letter), |quote| letter == quote || letter == '\n'));
        let rest = &rest[..end.unwrap_or(rest.len())];
        let extent = if quote.is_some() && end.is_some() {
            quoted.push(scheme.end()..scheme.end() + rest.len());
            Extent::Whole
        } else {
            extent
        };
        let url = Url { scheme: scheme.as_str(), rest, extent };
        ranges.extend(url.credentials().map(|range| scheme.end() + range.start..scheme.end() + range.end));
    }
    if extent == Extent::Whole {
        let bare = BARE.captures_iter(text).filter_map(|found| found.get(1));
        ranges.extend(bare.map(|user| user.range()));
    }
    for name in NAME.find_iter(text) {
        let value = &text[name.end()..];
        let is_word = extent == Extent::Word && !quoted.iter().any(|url| url.contains(&name.start()));
        let last =
            |letter: char| ends(letter) || matches!(letter, '&' | ';') || (is_word && letter.is_whitespace());
        let length = value.find(last).unwrap_or(value.len());
        if length > 0 {
            ranges.push(name.end()..name.end() + length);
        }
    }
    ranges
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '`')
}

fn ends(letter: char) -> bool {
    is_quote(letter) || matches!(letter, '\n' | '\r' | '<' | '>')
}

/// The text behind a URL's scheme.
struct Url<'a> {
    scheme: &'a str,
    rest: &'a str,
    extent: Extent,
}

impl Url<'_> {
    /// Returns the ranges of the user with its password and of the query.
    fn credentials(&self) -> impl Iterator<Item = Range<usize>> {
        let user = self.user().map(|end| 0..end);
        let behind = user.as_ref().map_or(0, |user| user.end);
        user.into_iter().chain(self.query(behind))
    }

    /// Returns the end of the part before the host, if it has a password or is a token.
    fn user(&self) -> Option<usize> {
        let end = self.rest.find(|letter| matches!(letter, '/' | '?' | '#') || self.is_end(letter));
        let host = &self.rest[..end.unwrap_or(self.rest.len())];
        let is_http = self.scheme.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        if let Some(at) = host.rfind('@') {
            let has_password = host[..at].contains(':');
            let is_secret = at > 0 && (is_http || has_password);
            // A password can contain `@` and `/`, so hide too much rather than too little.
            let last = self.rest[..self.rest.find(|letter| self.is_end(letter)).unwrap_or(self.rest.len())]
                .rfind('@');
            return is_secret.then(|| last.filter(|_| has_password).unwrap_or(at));
        }
        // A password with a slash or a space: what looks like `host:port` isn't one.
        let (_, port) = host.split_once(':').filter(|_| !host.starts_with('['))?;
        let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port { None } else { self.rest.rfind('@') }
    }

    /// Returns the range of `name=value` behind the `?`.
    fn query(&self, behind: usize) -> Option<Range<usize>> {
        let mark = behind + self.rest[behind..].find(|letter| letter == '?' || self.is_end(letter))?;
        let query = self.rest[mark..].strip_prefix('?')?;
        let query =
            &query[..query.find(|letter| letter == '#' || self.is_end(letter)).unwrap_or(query.len())];
        let name = query.find('=')?;
        (name > 0 && name + 1 < query.len()).then_some(mark + 1..mark + 1 + query.len())
    }

    fn is_end(&self, letter: char) -> bool {
        self.extent == Extent::Word && letter.is_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_tokens_and_signatures_are_credentials() {
        for address in [
            "https://me:hush@host/a.csv",
            "https://u:p@ss/hush@h/a.csv",
            "https://hush@host/a.csv",
            "https:me:hush@host/a.csv",
            "HTTPS://me:hush@host/a.csv",
            "https://host/a.csv?sig=hush&se=1",
            "s3://bucket/a?X-Amz-Signature=hush",
            "s3://AKIA:x/hush@bucket/a",
            "s3://AKIA:hush@word@bucket/a",
            "https://host/a.csv;token=hush",
            "https://host/a.csv;Token=hush;x=1",
            "https://host/a.csv#access_token=hush",
            "abfss://c@account/a.csv&SIG=hush",
            "data/a.csv?sig=hush",
            "az://c/a.csv%3Fsv=1%26sig%3Dhush",
            "Endpoint=sb://host/;SharedAccessKeyName=k;SharedAccessKey=hush",
            "SharedAccessKey=hush",
            "DefaultEndpointsProtocol=https;AccountName=n;accountkey=hush==",
        ] {
            assert!(has_credentials(address), "{address}");
            for shown in
                [concealed(&format!("can't read '{address}' now")), concealed(&format!("read {address} now"))]
            {
                assert!(!shown.contains("hush") && shown.ends_with(" now"), "{shown}");
            }
        }
    }

    #[test]
    fn secrets_may_contain_spaces() {
        for address in [
            "https://me:a hush@host/a.csv",
            "https://a hush@host/a.csv",
            "s3://me:12 hush@bucket/a.csv",
            "https://host/a.csv?sig=a hush",
            "https://host/a.csv;token=a hush",
        ] {
            assert!(has_credentials(address), "{address}");
            let quoted = concealed(&format!("can't read '{address}' now"));
            assert!(!quoted.contains("hush") && quoted.ends_with("' now"), "{quoted}");
            let line = concealed_source(&format!("location: {address}\nformat: csv"));
            assert!(!line.contains("hush") && line.ends_with("\nformat: csv"), "{line}");
        }
    }

    #[test]
    fn a_password_needs_no_scheme() {
        for address in [
            "me:hush@host/a.csv",
            "//me:hush@host:8080/a.csv",
            "me:hush@host",
            "//me:hush@host",
            "me:hush@",
            ":hush@host/a.csv",
            "me:hush%40host/a.csv",
            "me%3Ahush@host",
            "me:p@hush@host",
            "../me:hush@host/a.csv",
            "./../me:hush@host",
            "/me:hush@host",
        ] {
            assert!(has_credentials(address), "{address}");
            let line = concealed_source(&format!("location: \"{address}\"\nformat: csv"));
            assert!(!line.contains("hush"), "{line}");
        }
    }

    #[test]
    fn a_password_without_a_scheme_may_contain_spaces() {
        for address in ["me:a hush@host", "../me:it's hush@host/a.csv", " :a hush%40host"] {
            assert!(has_credentials(address), "{address}");
        }
    }

    #[test]
    fn credentials_of_an_address_are_hidden_in_later_texts() {
        hide_credentials("https://me:hide-me 1@host/a.csv?sig=hide-me-2");
        assert_eq!(super::super::scrubbed("got hide-me 1 and hide-me-2"), "got ***** and *****");
    }

    #[test]
    fn places_are_none() {
        for address in [
            "data/a?.csv",
            "s3://bucket/a?.csv",
            "s3://bucket/a?=.csv",
            "abfss://container@account/t",
            "file:///a@b/c",
            "a@b:c",
            "day=12:30/a@b.csv",
            "in/12:30@a.csv",
            "https://host/a",
            "http://localhost:9000/bucket/a@b.csv",
            "http://[::1]:9000/a@b.csv",
            "s3://bucket/a:b/c@d.csv",
            "data/token=a/key=b.csv",
            "C:\\data\\a@b.csv",
        ] {
            assert!(!has_credentials(address), "{address}");
            assert_eq!(concealed(address), address);
        }
        for text in ["where token = t.token", "at http://localhost:9000/a: write to me@b"] {
            assert_eq!(concealed(text), text);
        }
    }
}
