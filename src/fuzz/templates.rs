//! What is sent is what was meant: pieces make up the text, a text that was made literal is sent as it
//! stands, and a part that names columns only reads the same searched and frozen.

use crate::prompt::{self, Columns, Layout, Part, Piece, Prompt};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn template(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let pieces = prompt::pieces(text);
    assert_eq!(pieces.iter().map(|piece| piece.source()).collect::<String>(), text);
    let columns: BTreeSet<String> = ["input", "Ticket Text", "größe"].map(str::to_owned).into();
    let row = json!({
        "input": 1e-7, "Ticket Text": "<{{ input }}>", "größe": {"a": [1.50, true, null]},
    });
    let row: Columns = row.as_object().cloned().unwrap_or_default();

    let literal = prompt::literal(text);
    let is_empty = text.trim().is_empty();
    for searched in [&["system".to_owned()][..], &[]] {
        // A blank part is left out.
        if !is_empty {
            let rendered = rendered(&literal, searched, &columns, &row);
            assert_eq!(rendered.as_deref(), Some(text), "{literal:?}");
        }
    }
    let searched = rendered(text, &["system".to_owned()], &columns, &row);
    let frozen = rendered(text, &[], &columns, &row);
    let is_plain = !text.contains(['%', '#'])
        && pieces.iter().all(|piece| {
            matches!(piece, Piece::Literal(text) if !text.contains("{{"))
                || piece.column().is_some()
        });
    if let (true, Some(searched), Some(frozen)) = (is_plain, searched, frozen) {
        assert_eq!(searched, frozen);
    }
}

/// The system part as it is sent; `None` where it is refused.
fn rendered(
    text: &str,
    searched: &[String],
    columns: &BTreeSet<String>,
    row: &Columns,
) -> Option<String> {
    let part = |name: &str, text: &str| Part { name: name.to_owned(), text: text.into() };
    let prompt = Prompt::new(vec![part("system", text), part("user", "{{ input }}")]);
    let layout = Layout::new(&prompt, searched, columns).ok()?;
    let messages = layout.render(&prompt, row).ok()?;
    Some(if messages.len() == 2 { messages[0].content.clone() } else { String::new() })
}
