//! What guards found in a prompt, in words. What they look for is `run`'s.

use super::words::visible_line;
use crate::run::Flag;
use std::fmt;

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "`{part}` {}", visible_line(&self.found)),
            None => f.write_str(&visible_line(&self.found)),
        }
    }
}
