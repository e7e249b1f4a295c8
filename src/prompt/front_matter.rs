//! Front matter: lines between `---` at the head of a part's text, as in a `SKILL.md`.
//!
//! It is sent as it stands, like the rest of the text, and no search changes it. What it says is not read.

use super::Prompt;

/// The front matter at the head of a text, with its last line's end; empty where there is none.
#[must_use]
pub fn front_matter(text: &str) -> &str {
    let mut lines = text.split_inclusive('\n');
    let opens = lines.next().unwrap_or_default();
    let first = lines.next().unwrap_or_default();
    let key = first.split_once(':').map_or("", |(key, _)| key);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    if opens.trim_end() != "---" || !is_key {
        return "";
    }
    let mut end = opens.len() + first.len();
    for line in lines {
        end += line.len();
        if line.trim_end() == "---" {
            return &text[..end];
        }
    }
    ""
}

/// A text without its front matter.
#[must_use]
pub fn without_front_matter(text: &str) -> &str {
    &text[front_matter(text).len()..]
}

/// A prompt whose parts begin with the front matter of another one's, whatever was made of it.
#[must_use]
pub fn with_front_matter_of(prompt: Prompt, other: &Prompt) -> Prompt {
    other.parts().iter().fold(prompt, |prompt, part| {
        let kept = front_matter(&part.text);
        match prompt.part(&part.name) {
            Some(text) if !kept.is_empty() && front_matter(text) != kept => {
                let whole = format!("{kept}{}", without_front_matter(text));
                prompt.with_part(&part.name, &whole)
            }
            _ => prompt,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Part;

    #[test]
    fn it_stands_between_two_lines_of_dashes_at_the_head() {
        let skill = "---\nname: codes\ndescription: x\n---\n\nDo it.\n";
        assert_eq!(front_matter(skill), "---\nname: codes\ndescription: x\n---\n");
        assert_eq!(without_front_matter(skill), "\nDo it.\n");
        for none in [
            "",
            "Do it.",
            "---\n---\nx",
            "---\nDo it.\n---\n",
            "---\nname: x\nDo it.",
            "\n---\na: b\n---\n",
        ] {
            assert_eq!(front_matter(none), "", "{none:?}");
        }
        assert_eq!(front_matter("---\r\na: b\r\n---"), "---\r\na: b\r\n---");
    }

    #[test]
    fn it_is_put_back_whatever_was_made_of_it() {
        let prompt =
            |text: &str| Prompt::new(vec![Part { name: "skill".into(), text: text.into() }]);
        let old = prompt("---\nname: codes\n---\nDo it.");
        for made in ["Do it well.", "---\nname: other\n---\nDo it well."] {
            let kept = with_front_matter_of(prompt(made), &old);
            assert_eq!(kept.part("skill"), Some("---\nname: codes\n---\nDo it well."));
        }
        let plain = prompt("Do it.");
        assert_eq!(
            with_front_matter_of(prompt("---\na: b\n---\nx"), &plain),
            prompt("---\na: b\n---\nx")
        );
    }
}
