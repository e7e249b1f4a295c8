//! What the query of an address, and the body of a form, say.

/// Names and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// From `a=1&b=2`, with the escapes of addresses.
    pub(super) fn of(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self(pairs.collect())
    }

    /// The first value of this name that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// All values of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A number; 1 where there is none.
    pub(super) fn page(&self, name: &str) -> usize {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = at.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = at.clone().take(2).map(|digit| char::from(digit).to_digit(16));
                match digits.collect::<Option<Vec<u32>>>().as_deref() {
                    Some([high, low]) => {
                        at.nth(1);
                        (high * 16 + low) as u8
                    }
                    _ => b'%',
                }
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_bad_ones_stay() {
        let fields = Fields::of("a=1+%C3%A9&b=&a=2&c&d=%zz%4");
        assert_eq!(fields.get("a"), Some("1 é"));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1 é", "2"]);
        assert_eq!((fields.get("b"), fields.get("c")), (None, None));
        assert_eq!(fields.get("d"), Some("%zz%4"));
        assert_eq!((fields.page("page"), Fields::of("page=7").page("page")), (1, 7));
    }
}
