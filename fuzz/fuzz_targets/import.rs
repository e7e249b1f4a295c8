#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promptsearch::fuzz::check("import", bytes));
