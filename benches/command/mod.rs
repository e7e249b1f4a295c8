//! A bench as a command: its arguments, and an error that ends it. What it does is its own.

/// Runs a bench with its arguments. Nothing where `cargo test` only asks whether it builds.
pub(crate) fn run(bench: impl FnOnce(&[String]) -> Result<(), String>) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    if let Err(message) = bench(&arguments) {
        eprintln!("error: {message}");
        std::process::exit(2);
    }
}
