//! dbt's blocks that hold a template of their own: `{% snapshot name %} … {% endsnapshot %}`.

use std::ops::Range;

use super::lexer::{self, TokenKind};
use crate::{
    diag::Diagnostic,
    text::{Source, Span},
};

/// A block that holds a template of its own.
#[derive(Debug, Clone)]
pub struct TemplateBlock {
    /// The block's name.
    pub name: String,
    /// The opening tag.
    pub opened: Span,
    /// The block's content at its position in the file; the rest of the file is blanked out.
    pub body: Source,
}

/// Returns the blocks in a file that are opened by `keyword`, such as `snapshot`.
///
/// # Errors
/// If a block has no name or no end, or an end tag has no block.
pub fn blocks(file: &Source, keyword: &str) -> Result<Vec<TemplateBlock>, Diagnostic> {
    let (text, closer) = (file.text(), format!("end{keyword}"));
    let wrong = |range: Range<usize>, message: String| {
        Err(Diagnostic::error("template-syntax", message).at(file.span(range), ""))
    };
    let mut blocks = Vec::new();
    let mut open: Option<(String, Range<usize>)> = None;
    for tag in lexer::tags(text) {
        let word = tag.keyword(text);
        if word == Some(keyword) {
            if let Some((name, _)) = &open {
                return wrong(
                    tag.range,
                    format!("the {keyword} `{name}` has no `{{% {closer} %}}` before this"),
                );
            }
            let named = tag.tokens.get(1).filter(|token| token.kind == TokenKind::Word);
            let Some(token) = named else {
                return wrong(tag.range, format!("a {keyword} needs a name: `{{% {keyword} name %}}`"));
            };
            open = Some((text[token.range.clone()].to_owned(), tag.range));
        } else if word == Some(closer.as_str()) {
            let Some((name, opened)) = open.take() else {
                return wrong(tag.range, format!("there is no `{{% {keyword} … %}}` that this could end"));
            };
            let body = file.with_text(blank_but(text, opened.end..tag.range.start));
            blocks.push(TemplateBlock { name, opened: file.span(opened), body });
        }
    }
    match open {
        Some((name, opened)) => wrong(opened, format!("the {keyword} `{name}` has no `{{% {closer} %}}`")),
        None => Ok(blocks),
    }
}

/// Blanks out everything except a part of the text, so that all positions stay the same.
fn blank_but(text: &str, part: Range<usize>) -> String {
    let blank =
        |text: &str| -> String { text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect() };
    blank(&text[..part.start]) + &text[part.clone()] + &blank(&text[part.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Vec<(String, String)>, String> {
        let blocks = blocks(&Source::new("a.sql", text), "snapshot").map_err(|found| found.message)?;
        Ok(blocks.into_iter().map(|block| (block.name, block.body.text().to_owned())).collect())
    }

    #[test]
    fn what_lies_in_a_block_stays_where_it_was() {
        let text = "{# {% snapshot no %} #}\n{%- snapshot a -%}é\n{{ x }}{% endsnapshot %}{% snapshot b %}2{% endsnapshot %}";
        let blocks = found(text).unwrap();
        assert_eq!(blocks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(blocks[0].1.trim(), "é\n{{ x }}");
        assert_eq!(blocks[0].1.find("{{ x"), text.find("{{ x"));
        assert_eq!(blocks[1].1.trim(), "2");
        assert_eq!(blocks[1].1.len(), text.len());
    }

    #[test]
    fn a_block_has_a_name_and_an_end() {
        let message = |text| found(text).unwrap_err();
        assert_eq!(message("{% snapshot a %}"), "the snapshot `a` has no `{% endsnapshot %}`");
        assert_eq!(message("{% snapshot %}"), "a snapshot needs a name: `{% snapshot name %}`");
        assert!(message("{% endsnapshot %}").contains("that this could end"));
        assert!(message("{% snapshot a %}{% snapshot b %}").contains("`a` has no"));
    }
}
