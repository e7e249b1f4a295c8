//! `view`: serves pages about runs on this machine.

use super::args::ViewArgs;
use super::error::CliError;
use super::screen::Screen;
use super::signals::{interrupted, runtime};
use crate::run::RunDir;
use crate::text;
use crate::view::{Shelf, Token, serve};
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

/// Serves them until a signal.
pub(super) fn view(args: &ViewArgs, screen: &Screen) -> Result<(), CliError> {
    let shelf = match args.all {
        true => {
            // A folder that is none is told at once, not on the page.
            RunDir::list(&args.run.out.out)?;
            Shelf::all(args.run.out.out.clone())
        }
        false => Shelf::one(RunDir::find(&args.run.out.out, &args.run.run)?),
    };
    let token = Token::new()?;
    runtime()?.block_on(async {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(|error| {
                CliError::usage(format!("port {}: {}", args.port, text::cause(&error)))
                    .hint("without `--port` a free one is taken")
            })?;
        let port = listener.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}/?token={}", token.secret());
        match screen.json {
            // One line, so that a script can read it while the server runs.
            true => screen.print(&serde_json::json!({ "url": url, "port": port }).to_string())?,
            false => screen.print(&format!("open {url}\npress Ctrl-C to stop"))?,
        }
        serve(listener, shelf, token, interrupted()).await?;
        Ok(())
    })
}
