//! Who may see pages: whoever has the token that is printed once, and whose request comes from this server's own pages.

use crate::id::RequestHash;
use rand::TryRngCore;
use rand::rngs::OsRng;

/// A secret of one server. It is in no log, and in no page.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// What a form has to bring along: it follows from the secret, and does not tell it.
    key: String,
}

impl Token {
    /// A new one, of 32 random bytes of the system.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> std::io::Result<Self> {
        let mut bytes = [0_u8; 32];
        OsRng.try_fill_bytes(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self::of(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    fn of(secret: String) -> Self {
        let key = RequestHash::of(format!("forms of {secret}").as_bytes()).to_string();
        Self { secret, key }
    }

    /// The secret, for the address that is printed.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What a form brings along.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether this is the secret. It takes the same time however much of it is right.
    pub(super) fn is(&self, said: &str) -> bool {
        is_same(&self.secret, said)
    }

    /// Whether this is what a form brings along.
    pub(super) fn is_key(&self, said: &str) -> bool {
        is_same(&self.key, said)
    }
}

fn is_same(own: &str, said: &str) -> bool {
    let differing = own.bytes().zip(said.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    own.len() == said.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_taken() {
        let token = Token::new().unwrap();
        assert_eq!(token.secret().len(), 64);
        assert!(token.is(token.secret()) && token.is_key(token.key()));
        for wrong in ["", &token.secret()[1..], token.key(), &format!("{}0", token.secret())] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert_ne!(token.secret(), Token::new().unwrap().secret());
        assert!(!token.key().contains(&token.secret()[..8]));
    }
}
