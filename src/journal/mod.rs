//! Facts, made durable.
