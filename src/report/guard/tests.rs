//! Each guard against a prompt that it is for, and against an honest one.
